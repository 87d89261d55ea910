"""The files beside the plan: what is too long for it, in files of its own below `seedbed/`, committed with it.

Nothing else can be read through a plan: paths are checked, and no symbolic link is followed out of the project.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

FOLDER = "seedbed"
"""Below the plan's own folder: where its files stand."""
MAX_BYTES = 5_000_000
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*")
DEVICES = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))]
)
"""What no file can be called on Windows."""


class BesideError(ValueError):
    """A file beside the plan that cannot be read: the message says which, why, and what was expected."""


def check_path(path: str) -> None:
    """That a path which stands in a plan can only name a file beside it, on every system.

    Raises:
        BesideError: it is not of the form `seedbed/rows/branches.csv`.
    """
    parts = path.split("/")
    plain = all(_PART.fullmatch(part) and part.partition(".")[0].lower() not in DEVICES for part in parts)
    if len(parts) < 2 or parts[0] != FOLDER or not plain or len(path) > 200:
        raise BesideError(
            f"{path!r} names no file beside the plan; write a path such as '{FOLDER}/rows/branches.csv', of letters, "
            "digits, _, - and ."
        )


def read_beside(root: Path, path: str, files: Mapping[str, str] | None = None) -> str:
    """The text of a file beside the plan.

    Args:
        root: the plan's folder.
        path: relative to it.
        files: texts that are not written yet, by path: these come first.

    Raises:
        BesideError: there is no such file, or none that may be read.
    """
    check_path(path)
    if files and path in files:
        return files[path]
    file = root / path
    try:
        if not file.resolve().is_relative_to(root.resolve() / FOLDER):
            raise BesideError(f"{path} leads out of {FOLDER}/ through a symbolic link; use an ordinary file")
        if file.stat().st_size > MAX_BYTES:
            raise BesideError(f"{path} has more than {MAX_BYTES:,} bytes")
        return file.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        raise BesideError(f"there is no file {path}") from None
    except UnicodeDecodeError:
        raise BesideError(f"{path} is not UTF-8 text") from None
    except (OSError, RuntimeError) as error:
        raise BesideError(f"{path} cannot be read: {error}") from None


def fingerprint_of(text: str) -> str:
    """Sixteen hexadecimal digits of a file's text, however its lines end: git may change that."""
    return hashlib.sha256("\n".join(text.splitlines()).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def is_authors(root: Path, path: str, fingerprints: Mapping[str, str], text: str | None = None) -> bool:
    """Whether an author may write the file: it is not there, `text` only adds to it, or it is as an author wrote it.

    Never where a symbolic link leads out of the folder.

    Args:
        root: the plan's folder.
        path: relative to it.
        fingerprints: those of the plan, by path.
        text: what is to be written.
    """
    check_path(path)
    file = root / path
    if not file.exists() and not file.is_symlink():
        return file.parent.resolve().is_relative_to(root.resolve() / FOLDER)
    try:
        there = read_beside(root, path)
    except BesideError:
        return False
    kept = there.rstrip()
    adds = text is not None and (text == there or not kept or text.startswith(f"{kept}\n"))
    return adds or fingerprints.get(path) == fingerprint_of(there)
