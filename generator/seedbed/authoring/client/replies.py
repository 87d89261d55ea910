"""Replies that were paid for, one file each, named by a hash of all that they answer.

A cache in the person's own folder makes a second run free and an interrupted one go on where it stopped. The same
files, committed, take the place of the LLM in tests: there, a question without a reply is an error that leaves the
question to be answered by hand.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from seedbed.authoring.client.calls import Request, canonical_json
from seedbed.authoring.client.endpoint import REPLAY, Endpoint
from seedbed.authoring.client.outcomes import Unavailable
from seedbed.errors import AuthoringError
from seedbed.homes import cache_home


class Replies(Protocol):
    """Where replies are looked up before a call is made, and kept once they turned out to be valid."""

    def find(self, request: Request, endpoint: Endpoint, *, fresh: bool = False) -> str | None:
        """The text that answers the request, or None: then the LLM is asked, as it is if a `fresh` reply can be had.

        Raises:
            Unavailable: there is none, and the LLM may not be asked.
        """

    def keep(self, request: Request, endpoint: Endpoint, text: str) -> None:
        """Takes a reply that passed validation."""


class NoReplies:
    """Remembers nothing: `--no-cache`."""

    def find(self, request: Request, endpoint: Endpoint, *, fresh: bool = False) -> str | None:
        """Nothing."""
        return None

    def keep(self, request: Request, endpoint: Endpoint, text: str) -> None:
        """Forgets it."""


class CachedReplies:
    """A folder of replies, which nobody else may read; several runs may use it at once."""

    def __init__(self, folder: Path, *, refresh: bool = False) -> None:
        """Creates nothing yet.

        Args:
            folder: need not exist.
            refresh: ask again, and replace what is there.
        """
        self._folder, self._refresh = folder, refresh

    def find(self, request: Request, endpoint: Endpoint, *, fresh: bool = False) -> str | None:
        """The kept text; what is damaged, or lies under another reply's name, counts as not there."""
        key = request.key(endpoint)
        return None if self._refresh or fresh else _read(_path(self._folder, key), key, by_hand=False)

    def keep(self, request: Request, endpoint: Endpoint, text: str) -> None:
        """Writes the reply whole or not at all. A full disk is no reason to lose an answer: it is not kept, then."""
        key = request.key(endpoint)
        reply = {"key": key, "sha256": _hash(text), "model": endpoint.model, "name": request.name, "content": text}
        with contextlib.suppress(OSError):
            _write(_path(self._folder, key), reply)


class RecordedReplies:
    """A folder of replies that takes the place of the LLM.

    The layout is that of the cache; a reply written by hand may leave out `sha256` and have its `content` as JSON
    instead of text.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, request: Request, endpoint: Endpoint, *, fresh: bool = False) -> str:
        """The recorded text.

        Raises:
            Unavailable: there is none; the request is left in `missing/`, ready to be answered.
        """
        key = request.key(endpoint)
        path = _path(self._folder, key)
        text = _read(path, key, by_hand=True)
        if text is not None:
            return text
        missing = self._folder / "missing" / f"{key}.json"
        question = {
            "key": key,
            "name": request.name,
            "batch": request.batch,
            "attempt": request.attempt,
            "messages": request.prompt(),
            "content": None,
        }
        try:
            _write(missing, question)
        except OSError as error:
            raise AuthoringError(f"{missing} cannot be written: {error}") from None
        raise Unavailable(
            f"There is no recorded reply to {request.name} (batch {request.batch}, attempt {request.attempt}). "
            f'Answer the messages of {missing} in its "content", and move it to {path}.'
        )

    def keep(self, request: Request, endpoint: Endpoint, text: str) -> None:
        """Changes nothing: recordings are written by hand."""


def open_replies(environ: Mapping[str, str], *, cache: bool = True, refresh: bool = False) -> Replies:
    """The replies that the environment and the flags ask for: recorded ones, the person's cache, or none.

    Raises:
        AuthoringError: the folder of recorded replies does not exist.
    """
    if recorded := environ.get(REPLAY):
        if not Path(recorded).is_dir():
            raise AuthoringError(f"{REPLAY} names {recorded}, which is no folder.")
        return RecordedReplies(Path(recorded))
    return CachedReplies(cache_home(environ), refresh=refresh) if cache else NoReplies()


def _path(folder: Path, key: str) -> Path:
    return folder / key[:2] / f"{key}.json"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _read(path: Path, key: str, *, by_hand: bool) -> str | None:
    try:
        reply = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(reply, dict) or reply.get("key") != key:
        return None
    content, stated = reply.get("content"), reply.get("sha256")
    if by_hand and isinstance(content, dict | list):
        return canonical_json(content)
    if not isinstance(content, str) or not content:
        return None
    return content if stated == _hash(content) or (by_hand and stated is None) else None


def _write(path: Path, value: Mapping[str, object]) -> None:
    for folder in reversed([path.parent, *path.parent.parents]):
        if not folder.exists():  # `mkdir(parents=True)` would give the mode to the last one only
            folder.mkdir(mode=0o700, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump(value, file, ensure_ascii=True, indent=1)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
