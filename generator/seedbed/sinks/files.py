"""Files that change together or not at all, and only if they are Seedbed's to change.

Everything is first written in full to temporary files beside the targets. The commit then records in the run
manifest both the old and the new content of each file, swaps the files one by one (each swap is atomic), and
records the end. A failure on the way puts back what was swapped; a kill leaves each file either old or new, and
recognised as Seedbed's own either way. A file whose content stays the same is not touched.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from seedbed.errors import Diagnostic, Location, SinkError
from seedbed.plan.beside import DEVICES
from seedbed.plan.resolved import Extract
from seedbed.sinks.manifest import (
    MANIFEST,
    OwnedFile,
    RunManifest,
    fingerprint,
    is_unmodified,
    new_digest,
    read_manifest,
)
from seedbed.swap import TEMPORARY, Swap, create, temporary_name

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows has no advisory locks on folders; two runs at once are not noticed
    fcntl = None  # type: ignore[assignment]

_SYNC_EVERY = 8 << 20
"""Bytes. The system by itself waits for seconds, and then for all of them."""
_PIECE = 1 << 20
"""Bytes that are written at a time. Of a buffer of 26 MiB, Linux takes up to five times as long for each byte."""
_LONGEST = 63
"""Bytes of a name: PostgreSQL cuts a table's off there."""


def check_file_names(names: Iterable[tuple[str, str]], suffix: str = ".csv") -> list[Diagnostic]:
    """What is wrong with the (file name without suffix, table) pairs of a run: unsafe names and duplicates."""
    problems = []
    taken: dict[str, str] = {}
    for name, table in names:
        if not _is_file_name(name):
            problems.append(
                Diagnostic(
                    "file-name",
                    f"{table}: {name!r} cannot be the name of a file and a table on every system; expected letters, "
                    "digits and underscores, not starting with a digit, 63 bytes of UTF-8 at most",
                    hint="rename the table",
                )
            )
        elif name.lower() in taken:
            problems.append(
                Diagnostic(
                    "file-name",
                    f"{table} and {taken[name.lower()]} would both be written to {name}{suffix} (names are compared "
                    "without case)",
                    hint="rename one of them",
                )
            )
        taken.setdefault(name.lower(), table)
    return problems


def _is_file_name(name: str) -> bool:
    # macOS takes a letter and its accent for the same as one letter with it, and others do not.
    one_way = name == unicodedata.normalize("NFC", name)
    return one_way and name.isidentifier() and len(name.encode()) <= _LONGEST and name.lower() not in DEVICES


@dataclass(frozen=True, slots=True)
class Changes:
    """What a commit did to the files."""

    changed: tuple[Path, ...] = ()
    unchanged: tuple[Path, ...] = ()
    removed: tuple[Path, ...] = ()
    left: tuple[Path, ...] = ()
    """Files that were to be removed, but that a person has edited."""


class StagedFile:
    """A temporary file being written; `write` takes bytes or any buffer.

    What was written goes to the disk while more is made, as far as `disk` keeps up.
    """

    def __init__(self, target: Path, table: str | None, file: BinaryIO, temporary: Path, disk: Executor) -> None:
        self.target, self.table, self.temporary = target, table, temporary
        self._file, self._digest = file, new_digest()
        self._disk, self._waiting, self._synced = disk, 0, Future[None]()
        self._synced.set_result(None)

    def write(self, data: bytes | memoryview) -> None:
        whole = memoryview(data)
        for start in range(0, len(whole), _PIECE):
            piece = whole[start : start + _PIECE]
            self._digest.update(piece)
            self._file.write(piece)
        self._waiting += len(whole)
        if self._waiting >= _SYNC_EVERY and self._synced.done():
            self._sync()

    def finish(self) -> None:
        """Sends the rest to the disk; `on_disk` waits until it is there."""
        self._file.flush()
        self._sync()

    def on_disk(self) -> None:
        """
        Raises:
            OSError: the disk has not taken it.
        """
        self._synced.result()

    def _sync(self) -> None:
        self._synced, self._waiting = self._disk.submit(_to_disk, self.temporary), 0

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()


class FileTransaction:
    """The files of one run. Leaving its `with` block undoes what was not committed.

    Args:
        root: the folder that nothing may leave, through `..` or a symbolic link. It is locked, so that two runs
            cannot mix their files.
        force: also replace files that a person wrote or edited.
    """

    def __init__(self, root: Path, *, force: bool = False) -> None:
        self._root, self._force = root.resolve(), force
        self._manifests: dict[Path, RunManifest | None] = {}
        self._staged: dict[Path, StagedFile] = {}
        self._removals: dict[Path, None] = {}
        self._created: list[Path] = []
        self._disk = ThreadPoolExecutor(1, "seedbed-disk")
        self._lock = _lock(self._root)

    def __enter__(self) -> FileTransaction:
        return self

    def __exit__(self, *_: object) -> None:
        self.rollback()

    def owned(self, folder: Path) -> frozenset[str]:
        """Names of the files in the folder that the run manifest lists, whether they still exist or not."""
        manifest = self._manifest(folder)
        return frozenset(manifest.files) if manifest else frozenset()

    def claim(self, targets: Iterable[Path]) -> None:
        """Makes sure that Seedbed may write all these files, before any work is done for them.

        Raises:
            SinkError: some belong to a person, were edited by one, or lie where nothing may be written.
        """
        found = [problem for target in targets for problem in self._obstacles(target)]
        if found:
            raise SinkError("Nothing was written.", found)

    @contextlib.contextmanager
    def stage(self, target: Path, table: str | None = None) -> Iterator[StagedFile]:
        """Opens the file's new content for writing; it is complete when the block ends without an error.

        Whether the target is Seedbed's is asked by `claim`, and again by `commit`.

        Raises:
            SinkError: the disk does not take it.
        """
        self._manifest(target.parent)
        temporary = temporary_name(target)
        try:
            self._make_folder(target.parent)
            try:
                with create(temporary) as file:
                    staged = StagedFile(target, table, file, temporary, self._disk)
                    yield staged
                    staged.finish()
                if target.exists():
                    shutil.copymode(target, temporary)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise _cannot_write(target, error) from error
        self._removals.pop(target, None)
        self._staged[target] = staged

    def remove(self, target: Path) -> None:
        """Removes the file at the commit, if it is Seedbed's and was not edited; then only its entry is dropped."""
        self._manifest(target.parent)
        self._removals[target] = None

    def commit(self, random_seed: int, as_of: object, extract: Extract | None = None) -> Changes:
        """Makes all staged files and removals visible.

        Args:
            random_seed: recorded in the run manifests, like `as_of`, the run's last day.
            extract: which part of the state is written, recorded too.

        Raises:
            SinkError: nothing was changed: a file was edited meanwhile, or the file system refused.
        """
        self.claim(self._staged)
        for staged in self._staged.values():
            try:
                staged.on_disk()
            except OSError as error:
                raise _cannot_write(staged.target, error) from error
        try:
            present = {target: fingerprint(target) for target in self._staged if target.exists()}
            changed = [target for target, staged in self._staged.items() if present.get(target) != staged.digest]
            removed = [target for target in self._removals if target.exists() and self._is_ours(target)]
            wanted = {folder: self._next(folder, random_seed, as_of, extract) for folder in self._folders()}
            with Swap() as swap:
                if changed or removed:
                    for folder, manifest in wanted.items():
                        swap.text(folder / MANIFEST, self._either(folder, manifest, present).text())
                for target in changed:
                    swap.replace(self._staged[target].temporary, target)
                for target in removed:
                    swap.unlink(target)
                for folder, manifest in wanted.items():
                    swap.text(folder / MANIFEST, manifest.text())
        except OSError as error:
            raise _cannot_write(Path(error.filename) if error.filename else self._root, error) from error
        unchanged = tuple(target for target in self._staged if target not in changed)
        left = tuple(target for target in self._removals if target.exists())
        self._created.clear()
        self.rollback()
        return Changes(tuple(changed), unchanged, tuple(removed), left)

    def rollback(self) -> None:
        """Drops all that was staged and lets the next run in."""
        self._disk.shutdown(cancel_futures=True)
        for staged in self._staged.values():
            staged.temporary.unlink(missing_ok=True)
        self._staged.clear()
        self._removals.clear()
        for folder in reversed(self._created):
            with contextlib.suppress(OSError):
                folder.rmdir()
        self._created.clear()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # --- ownership ---

    def _manifest(self, folder: Path) -> RunManifest | None:
        if folder not in self._manifests:
            self._manifests[folder] = read_manifest(folder)
            if self._lock is not None:
                # Under the lock, temporary files can only be those of a run that was killed.
                for leftover in folder.glob(f".*{TEMPORARY}"):
                    leftover.unlink(missing_ok=True)
        return self._manifests[folder]

    def _obstacles(self, target: Path) -> Iterator[Diagnostic]:
        shown = self._shown(target)
        try:
            inside = target.parent.resolve().is_relative_to(self._root)
        except (OSError, RuntimeError):
            inside = False
        if not inside or target.is_symlink():
            yield Diagnostic(
                "outside-project",
                f"{shown} would be written outside the project, through a symbolic link or '..'",
                Location(shown),
                hint="use an ordinary folder inside the project",
            )
            return
        namesake = _namesake(target)
        if namesake:
            yield Diagnostic(
                "hand-written-file",
                f"{namesake} is there already, and many systems do not tell its name from {target.name}",
                Location(shown),
                hint="rename one of them",
            )
        if self._force or not target.exists() or self._is_ours(target):
            return
        if target.name in self.owned(target.parent):
            yield Diagnostic(
                "edited-file",
                f"{shown} was edited after Seedbed wrote it, so it is left alone",
                Location(shown),
                hint=f"to keep the edits, delete its entry from {MANIFEST} beside it; --force overwrites them",
            )
        else:
            yield Diagnostic(
                "hand-written-file",
                f"{shown} exists and was not written by Seedbed, so it is left alone",
                Location(shown),
                hint="keep it (it then counts as a hand-written seed) or move it away; --force replaces it",
            )

    def _is_ours(self, target: Path) -> bool:
        manifest = self._manifest(target.parent)
        owned = manifest.files.get(target.name) if manifest else None
        return owned is not None and is_unmodified(target, owned)

    # --- what is to be done ---

    def _folders(self) -> list[Path]:
        return list(dict.fromkeys(target.parent for target in (*self._staged, *self._removals)))

    def _next(self, folder: Path, random_seed: int, as_of: object, extract: Extract | None) -> RunManifest:
        before = self._manifests[folder]
        files = dict(before.files) if before else {}
        for target in self._removals:
            if target.parent == folder:
                files.pop(target.name, None)
        for target, staged in self._staged.items():
            if target.parent == folder:
                files[target.name] = OwnedFile(digest=staged.digest, table=staged.table)
        told = {"changes": extract.form, "since": extract.since} if extract else {}
        return RunManifest.model_validate({"random_seed": random_seed, "as_of": as_of, **told, "files": files})

    def _either(self, folder: Path, manifest: RunManifest, present: Mapping[Path, str]) -> RunManifest:
        """The manifest that holds while files are swapped: each is Seedbed's with its old and its new content."""
        before = self._manifests[folder]
        files = dict(before.files) if before else {}
        for name, owned in manifest.files.items():
            files[name] = owned.model_copy(update={"previous": present.get(folder / name)})
        return manifest.model_copy(update={"files": files})

    def _make_folder(self, folder: Path) -> None:
        missing = []
        while not folder.exists():
            missing.append(folder)
            folder = folder.parent
        for path in reversed(missing):
            path.mkdir()
            self._created.append(path)

    def _shown(self, path: Path) -> str:
        with contextlib.suppress(ValueError):
            return path.relative_to(self._root).as_posix()
        return path.as_posix()


def _lock(root: Path) -> int | None:
    if fcntl is None:
        return None
    try:
        handle = os.open(root, os.O_RDONLY)
    except OSError as error:
        raise _cannot_write(root, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise SinkError(f"Another run of Seedbed is writing to {root}; start this one when it is done.") from None
    except OSError:
        # A network file system without locks.
        os.close(handle)
        return None
    return handle


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _namesake(target: Path) -> str | None:
    """Another file of the folder whose name differs only in case, as the folder spells it."""
    if not target.parent.is_dir() or target.exists():
        return None
    folded = target.name.casefold()
    return next((name for name in os.listdir(target.parent) if name.casefold() == folded), None)


def _cannot_write(path: Path, error: OSError) -> SinkError:
    found = Diagnostic(
        "cannot-write",
        f"{path} cannot be written: {error.strerror or error}",
        Location(str(path)),
        hint="what was there before is untouched; make room or give write permission, then run again",
    )
    return SinkError(diagnostics=[found])
