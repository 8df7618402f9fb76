"""What has been computed, addressed by content: the only room that knows paths.

::

    <store>/blobs/<stage>/<aa>/<address>/   one finished stage: its files and manifest.json with their digests
    <store>/ledger.jsonl                    one line per finished job, failed ones too
    <store>/facts/                          one small file per data set
    <store>/boards/<suite>/                 the newest board of each suite
"""

from harness.store.blobs import Blobs, write_atomically
from harness.store.ledger import Ledger
from harness.store.shelf import Shelf
from harness.store.store import Health, Store
from harness.store.units import UNITS, Units, pack, unpack, write_units

__all__ = [
    "UNITS",
    "Blobs",
    "Health",
    "Ledger",
    "Shelf",
    "Store",
    "Units",
    "pack",
    "unpack",
    "write_atomically",
    "write_units",
]
