"""In-tree tasks."""
