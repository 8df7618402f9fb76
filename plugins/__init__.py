"""The guests we keep."""
