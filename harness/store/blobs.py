"""Finished stages as folders of files: written to a temporary place, synced, renamed, verified when read."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from harness.digest import content_digest, file_digest
from harness.environment import library_versions, process_name
from harness.errors import Damaged

MANIFEST = "manifest.json"


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a power cut, sees the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename inside ``folder`` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Blobs:
    """Content of finished stages, by stage name and address.

    Parameters
    ----------
    folder
        Where the blobs are; made when first written to.
    scratch
        Where unfinished ones are written; must be on the same file system.
    """

    def __init__(self, folder: Path, scratch: Path) -> None:
        self.folder = folder
        self.scratch = scratch
        self._verified: set[Path] = set()

    def path(self, stage: str, address: str) -> Path:
        """Return where a blob is or would be."""
        return self.folder.joinpath(stage, address[:2], address)

    def has(self, stage: str, address: str) -> bool:
        """Return whether the stage is finished (its content is verified by :meth:`read`)."""
        return self.path(stage, address).is_dir()

    def read(self, stage: str, address: str) -> Path:
        """Return the folder of a finished stage, its files checked against their digests.

        Raises
        ------
        Damaged
            A file is missing or does not have the content that was written.
        """
        folder = self.path(stage, address)
        if folder not in self._verified:
            verify(folder)
            self._verified.add(folder)
        return folder

    def content(self, stage: str, address: str, name: str) -> bytes:
        """Return one file of a finished stage, checked against its digest.

        Raises
        ------
        Damaged
            The file is missing or does not have the content that was written.
        """
        folder = self.path(stage, address)
        file, digest = folder / name, _digests(folder).get(name)
        try:
            content = file.read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise _damaged(file) from error
        if content_digest(content) != digest:
            raise _damaged(file)
        return content

    @contextmanager
    def write(self, stage: str, address: str) -> Iterator[Path]:
        """Give an empty folder to fill; it becomes the blob when the block ends without an error."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        temporary = self.scratch / f"{process_name()}-{uuid4().hex}"
        temporary.mkdir()
        try:
            yield temporary
            seal(temporary)
            self._publish(temporary, self.path(stage, address))
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _publish(self, temporary: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.rename(temporary, target)
        except OSError:
            # Another process finished the same stage first: the same address holds the same result.
            if not target.is_dir():
                raise
        sync_folder(target.parent)

    def discard(self, stage: str, address: str) -> None:
        """Remove a blob, so that its stage is computed again."""
        folder = self.path(stage, address)
        self._verified.discard(folder)
        shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def claim(self, stage: str, address: str, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Hold a stage alone among all processes on this store, so that nobody computes it twice.

        ``on_wait`` is called where another process holds it.
        """
        locks = self.folder.parent / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        lock = FileLock(locks / f"{stage}-{address}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            on_wait()
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def made_with(self, stage: str, address: str) -> dict[str, str]:
        """Return the versions of the libraries that computed a stage; nothing where it is not there."""
        try:
            manifest = json.loads((self.path(stage, address) / MANIFEST).read_bytes())
        except (OSError, ValueError):
            return {}
        return dict(manifest["made_with"])

    def all(self) -> Iterator[tuple[str, str]]:
        """Yield (stage, address) of every blob."""
        for folder in sorted(self.folder.glob("*/??/*")):
            yield folder.parent.parent.name, folder.name


def seal(folder: Path) -> None:
    """Write the digests of a folder's files, and what made them, into its manifest; sync all to disk."""
    digests = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digests[file.relative_to(folder).as_posix()] = file_digest(file)
        with file.open("rb") as stream:
            os.fsync(stream.fileno())
    manifest = {"files": digests, "made_with": library_versions()}
    write_atomically(folder / MANIFEST, json.dumps(manifest, indent=1).encode())


def verify(folder: Path) -> None:
    """Compare a sealed folder with its manifest; raise :class:`Damaged` naming the first bad file."""
    for name, digest in _digests(folder).items():
        file = folder / name
        if not file.is_file() or file_digest(file) != digest:
            raise _damaged(file)


def _digests(folder: Path) -> dict[str, str]:
    """Return what the manifest of a sealed folder says of its files."""
    manifest = folder / MANIFEST
    try:
        return dict(json.loads(manifest.read_bytes())["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Damaged(f'"{manifest}" cannot be read ({error}); the stage will be computed again') from error


def _damaged(file: Path) -> Damaged:
    return Damaged(f'"{file}" does not have the content that was written; the stage will be computed again')
