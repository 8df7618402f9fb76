"""Corpora and data sets: what catalogues say of them, what is known of them, and their cells.

Importing this room imports no science: planning reads entries and facts alone.
"""

from harness.corpus.alignment import AlignedCells, aligned
from harness.corpus.backed import BackedCells, open_cells
from harness.corpus.catalogue import Entry, entry_of_file, read_catalogue
from harness.corpus.facts import Facts, Overlap, overlap
from harness.corpus.joined import JoinedCells, joined_facts
from harness.corpus.known import check, facts_of
from harness.corpus.spool import SpooledCells, open_spool, spool

__all__ = [
    "AlignedCells",
    "BackedCells",
    "Entry",
    "Facts",
    "JoinedCells",
    "Overlap",
    "SpooledCells",
    "aligned",
    "check",
    "entry_of_file",
    "facts_of",
    "joined_facts",
    "open_cells",
    "open_spool",
    "overlap",
    "read_catalogue",
    "spool",
]
