"""The leaderboard: a guest of the harness with one command and one report."""
