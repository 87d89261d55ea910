"""The run manifest: which files of a folder Seedbed wrote, and what stood in them when it did.

It is the one proof of ownership. A file that is not listed belongs to a person; a listed file whose content
differs was edited by one. It is committed to git beside the files, and outlives a file that was deleted.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from typing import Annotated, Literal

import xxhash
from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from seedbed.errors import Diagnostic, Location, Severity, SinkError
from seedbed.plan.resolved import Form, ResolvedPlan

MANIFEST = ".seedbed.manifest"  # no ".json": dbt 2 takes any JSON file below its seeds for a seed
_CHUNK = 1 << 20
_SHA256_DIGITS = 64


def _plain_name(value: str) -> str:
    if value in ("", ".", "..") or any(character in value for character in "/\\\0"):
        raise ValueError(f"{value!r} is no file name")
    return value


Digest = Annotated[str, Field(pattern="^([0-9a-f]{32}|[0-9a-f]{64})$")]
"""The XXH3-128 of a file's content; or its SHA-256, which is twice as long, as manifests held it before.

It tells an edit, against which nobody has to be on guard, and takes a tenth of the time of SHA-256.
"""


class OwnedFile(BaseModel):
    """One file: the digest of its content and the table that it belongs to, if to one.

    `previous` is set only while files are being replaced: a run that was killed then leaves either content.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    digest: Digest = Field(validation_alias=AliasChoices("digest", "sha256"))
    table: str | None = None
    previous: Digest | None = None


class RunManifest(BaseModel):
    """What stands in a folder's `.seedbed.manifest`. `changes` and `since` tell of an extract, as in a plan's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    random_seed: int
    as_of: dt.date
    changes: Form | None = None
    since: dt.date | None = None
    files: dict[Annotated[str, AfterValidator(_plain_name)], OwnedFile] = {}

    def text(self) -> str:
        """The file's content; equal manifests have equal text."""
        ordered = self.model_copy(update={"files": dict(sorted(self.files.items()))})
        return ordered.model_dump_json(indent=2, exclude_none=True) + "\n"


def read_manifest(folder: Path) -> RunManifest | None:
    """The folder's run manifest, or None when Seedbed never wrote there.

    Raises:
        SinkError: it exists but cannot be read, so that nothing can be known to be Seedbed's.
    """
    path = folder / MANIFEST
    try:
        return RunManifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error.errors()[0]["msg"])
        found = Diagnostic(
            "run-manifest",
            f"the record of the files that Seedbed wrote cannot be read: {reason}",
            Location(str(path)),
            hint="restore it from version control; or delete it, and then the files that Seedbed is to write again",
        )
        raise SinkError(diagnostics=[found]) from None


def check_dates(held: dt.date | None, plan: ResolvedPlan, place: str) -> list[Diagnostic]:
    """Warns of a run that goes back in time, or begins after what the run before it ended with.

    Args:
        held: the as-of date of what stands in the place, if anything does.
        plan: this run's.
        place: a folder or database, for the message.
    """
    if held is None:
        return []
    since = plan.extract.since if plan.extract else None
    message = hint = None
    if plan.as_of < held:
        message = f"{place} held the state as of {held}; this run goes back to {plan.as_of}"
        hint = f"run it with --as-of {held} or later, if that was not meant"
    elif since and held < since:
        message = f"{place} held the state as of {held}; what changed until {since} is not told"
        hint = f"extract the changes --since {held}"
    return [Diagnostic("as-of", message, severity=Severity.WARNING, hint=hint)] if message else []


def new_digest() -> xxhash.xxh3_128:
    """What a file's content is fed to, to get its `Digest`."""
    return xxhash.xxh3_128()


def fingerprint(path: Path, *, like: str = "", newlines: bool = True) -> str:
    """The digest of a file's content, of the kind of another; with `newlines` false, with LF for every CR LF."""
    digest = hashlib.sha256() if len(like) == _SHA256_DIGITS else new_digest()
    with path.open("rb") as file:
        held = b""
        while chunk := file.read(_CHUNK):
            if not newlines:
                chunk = held + chunk
                held = b"\r" if chunk.endswith(b"\r") else b""
                chunk = chunk.removesuffix(b"\r").replace(b"\r\n", b"\n")
            digest.update(chunk)
        digest.update(held)
    return digest.hexdigest()


def is_unmodified(path: Path, owned: OwnedFile) -> bool:
    """Whether the file is as Seedbed left it, or as git's `autocrlf` checks that out."""
    return any(
        known == fingerprint(path, like=known, newlines=newlines)
        for newlines in (True, False)
        for known in (owned.digest, owned.previous)
        if known
    )
