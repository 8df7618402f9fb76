"""Results on their way to somebody else: one file, which is believed in nothing that can be looked up.

``harness submit`` writes a bundle, ``harness verify`` reads it and says what is wrong with it. A bundle is a
zip archive of plain files::

    manifest.json                    digest and size of every file, and claims that follow from the rest
    grid.json                        what was asked: suite, jobs, plugins, data
    records.jsonl                    what came of each job, with library versions and device
    scores/<address>/...             a finished job's stored scores, by unit too, sealed as in a store
    locks.txt                        every distribution that was installed
    conformance.json                 what the conformance checks said of every plugin involved

Nothing of it is ever written to disk under a name that stands in it, nothing of it is executed, and what it
says of plugins, data and splits is held against what the verifier has.
"""

from harness.submission.archive import Refused, plain
from harness.submission.content import Content, open_bundle
from harness.submission.here import Here, look_here
from harness.submission.inspection import Finding, inspect
from harness.submission.keeping import keep
from harness.submission.packing import pack
from harness.submission.repetition import Repetition, choose, possible_threads, repeat, threads_of

__all__ = [
    "Content",
    "Finding",
    "Here",
    "Refused",
    "Repetition",
    "choose",
    "inspect",
    "keep",
    "look_here",
    "open_bundle",
    "pack",
    "plain",
    "possible_threads",
    "repeat",
    "threads_of",
]
