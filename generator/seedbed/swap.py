"""Several atomic changes to files as one series, undone when one of them fails."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from pathlib import Path
from typing import BinaryIO

TEMPORARY = ".seedbed-tmp"


class Swap:
    """A series of atomic steps that is undone when one fails."""

    def __init__(self) -> None:
        self._undo: list[tuple[Path, Path | None]] = []

    def __enter__(self) -> Swap:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        folders = {target.parent for target, _ in self._undo}
        for target, backup in reversed(self._undo):
            if kind is None:
                if backup:
                    backup.unlink(missing_ok=True)
            elif backup:
                os.replace(backup, target)
                # Renaming one of two links to the same file does nothing, and leaves both.
                backup.unlink(missing_ok=True)
            else:
                target.unlink(missing_ok=True)
        for folder in folders:
            _flush_folder(folder)

    def replace(self, source: Path, target: Path) -> None:
        self._keep(target)
        os.replace(source, target)

    def unlink(self, target: Path) -> None:
        self._keep(target)
        target.unlink()

    def text(self, target: Path, text: str) -> None:
        data = text.encode()
        if target.exists() and target.read_bytes() == data:
            return
        temporary = temporary_name(target)
        try:
            with create(temporary) as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            self.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _flush_folder(target.parent)

    def _keep(self, target: Path) -> None:
        """Keeps the target's content under a second name until the series is over."""
        backup = None
        if target.exists():
            backup = temporary_name(target)
            try:
                os.link(target, backup)
            except OSError:
                # Not every file system has hard links.
                shutil.copy2(target, backup)
        self._undo.append((target, backup))


def temporary_name(target: Path) -> Path:
    """A new name beside the target, which dbt does not read and a later run recognises as left over."""
    return target.with_name(f".{target.name.removeprefix('.')}.{secrets.token_hex(4)}{TEMPORARY}")


def create(path: Path) -> BinaryIO:
    """A new file that only this process has; `open` alone would follow a link that was put there meanwhile."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666), "wb")


def _flush_folder(folder: Path) -> None:
    """Makes renames durable, where the system lets a folder be flushed."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
