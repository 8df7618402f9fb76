"""In-tree samplers."""
