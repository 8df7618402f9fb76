"""What a guest must be: cards (data), and the classes behind them (behaviour)."""
