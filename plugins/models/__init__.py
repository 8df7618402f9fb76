"""In-tree models."""
