"""What was verified -> a store, from which a board can be made."""

from __future__ import annotations

from harness.store import Store, write_atomically
from harness.submission.content import SCORE_FILES, Content


def keep(content: Content, store: Store) -> None:
    """Put the records and scores of a bundle into a store, sealed as they came."""
    store.prepare()
    for record in content.scored:
        folder = store.blobs.path("score", record.address)
        for name in (*SCORE_FILES[1:], SCORE_FILES[0]):  # the seal last: what is cut short counts as damaged
            write_atomically(folder / name, content.score_file(record.address, name))
    store.append(content.records)
