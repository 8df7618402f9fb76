"""The command line: the only place that prints. One command, one file."""
