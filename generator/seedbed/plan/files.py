"""The plan's file: read with every problem named at its line, and written whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from seedbed.documents import Document
from seedbed.errors import Diagnostic, Location, PlanError, ProjectError, SinkError, has_errors
from seedbed.plan.beside import fingerprint_of, is_authors
from seedbed.plan.merge import Change, Changes, merge_plans
from seedbed.plan.plan_text import Comments, read_comments, render_plan
from seedbed.plan.problems import shown, spoken_problems
from seedbed.plan.spec import Plan
from seedbed.swap import Swap, create, temporary_name
from seedbed.yaml_text import read_yaml

__all__ = ["Change", "Changes", "merge_plans", "plan_of", "read_plan", "write_plan"]

_DBT_WORDS = frozenset(
    [
        "analyses", "data_tests", "exposures", "functions", "groups", "macros", "metrics", "models", "saved_queries",
        "seeds", "semantic_models", "snapshots", "sources", "tests", "unit_tests",
    ]
)  # fmt: skip
_ENDPOINT_WORDS = frozenset(
    [
        "ai", "anthropic", "api", "api_base", "api_key", "api_url", "author", "base_url", "endpoint", "key", "llm",
        "model", "openai", "provider", "token", "url",
    ]
)  # fmt: skip


def read_plan(path: Path, root: Path) -> tuple[Plan, Document]:
    """Reads a plan, and the YAML that it stands in for the places of its entries.

    Args:
        path: the plan's file.
        root: the project's root, to which messages name the file relatively.

    Raises:
        PlanError: the file cannot be read, or holds something that is no plan; with every problem at once.
    """
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    document = _read_document(path, name)
    return plan_of(document), document


def plan_of(document: Document) -> Plan:
    """The plan that a document holds.

    Raises:
        PlanError: it holds something that is no plan; with every problem at once.
    """
    refusal = f"{document.file} cannot be used."
    found = list(_misplaced(document))
    if has_errors(found):
        raise PlanError(refusal, found)
    try:
        plan = Plan.model_validate(document.value)
    except ValidationError as error:
        raise PlanError(refusal, list(spoken_problems(error, document, Plan))) from None
    found = [*_twice(plan, document), *_nothing_settled_twice(plan, document)]
    if found:
        raise PlanError(refusal, found)
    return plan


def write_plan(plan: Plan, path: Path, files: Mapping[str, str] | None = None) -> None:
    """Writes the plan, and files beside it with it: all of them or none, as far as the file system allows.

    The plan comes last, so that it names no file that is not there. Comments of the plan that it replaces stay with
    their entries.

    Args:
        plan: what to write.
        path: the plan's file.
        files: texts that an author wrote, by their path relative to the plan's folder (`beside.check_path`).

    Raises:
        SinkError: something cannot be written, or a file is a person's; what was there before is untouched.
    """
    files = files or {}
    held = [name for name in files if not is_authors(path.parent, name, plan.file_fingerprints, files[name])]
    if held:
        raise SinkError("Nothing was written.", [_persons(name) for name in held])
    prints = plan.file_fingerprints | {name: fingerprint_of(text) for name, text in files.items()}
    written = plan.model_copy(update={"file_fingerprints": prints})
    texts = {path.parent / name: text for name, text in files.items()}
    write_together(path.parent, texts | {path: render_plan(written, _comments_of(path))})


def _persons(name: str) -> Diagnostic:
    return Diagnostic(
        "hand-written-file",
        f"{name} is a person's: it was written or edited by hand",
        Location(name),
        hint="keep it, or move it away to have it written anew",
    )


def write_together(root: Path, texts: Mapping[Path, str]) -> None:
    """Writes texts, in this order, once all stand whole in temporary files beside their places.

    Folders below `root` are made.

    Raises:
        SinkError: something cannot be written; what was there before is untouched.
    """
    staged: dict[Path, Path] = {}
    target = next(iter(texts))
    try:
        for target, text in texts.items():
            if target.parent != root:
                target.parent.mkdir(parents=True, exist_ok=True)
            staged[target] = temporary_name(target)
            with create(staged[target]) as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                os.chmod(staged[target], target.stat().st_mode & 0o777)
        with Swap() as swap:
            for target, temporary in staged.items():
                swap.replace(temporary, target)
    except OSError as error:
        raise SinkError(f"{target} cannot be written: {error.strerror or error}.") from error
    finally:
        for temporary in staged.values():
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def _read_document(path: Path, name: str) -> Document:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        hint = "run `seedbed plan` to write it"
        raise PlanError(diagnostics=[Diagnostic("no-plan", "there is no plan", Location(name), hint=hint)]) from None
    except (OSError, UnicodeDecodeError) as error:
        message = f"the plan cannot be read: {error}"
        raise PlanError(diagnostics=[Diagnostic("unreadable-plan", message, Location(name))]) from None
    try:
        document = read_yaml(text, name, strict=True)
    except ProjectError as error:
        raise PlanError(f"{name} cannot be used.", error.diagnostics) from None
    if not isinstance(document.value, dict):
        message = f"the plan holds {shown(document.value)}; a mapping with `tables:` was expected"
        found = Diagnostic("invalid-plan", message, document.location(), hint="run `seedbed plan` to write one")
        raise PlanError(f"{name} cannot be used.", [found])
    return document


def _comments_of(path: Path) -> Comments:
    """The comments of the plan that stands there; none where it is no longer legible."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        return read_comments(text, read_yaml(text, path.name, strict=True))
    except (OSError, UnicodeDecodeError, ProjectError):
        return {}


# --- what a plan must not hold -------------------------------------------------------------------------------


def _misplaced(document: Document) -> Iterator[Diagnostic]:
    """Top-level keys that belong somewhere else."""
    for key, item in document.items():
        folded = key.casefold()
        if folded in _DBT_WORDS:
            yield Diagnostic(
                "dbt-key",
                f'"{key}" is a word of dbt\'s property files, which this file is not; tables stand under `tables:`',
                item.location(),
                hint=f"move it into a property file of the project, or rename it to tables: {key} are described there",
            )
        elif folded in _ENDPOINT_WORDS or folded.endswith(("_api_key", "_base_url", "_endpoint", "_token")):
            yield Diagnostic(
                "endpoint-in-plan",
                f'"{key}" must not stand in the plan: an API key would be sent wherever this file says, and anybody '
                "who proposes a change to the repository can change the file",
                item.location(),
                hint="set the endpoint and the key in your own environment: OPENAI_BASE_URL and OPENAI_API_KEY",
            )


def _twice(plan: Plan, document: Document) -> Iterator[Diagnostic]:
    """Names that differ only in case: a warehouse takes them for one."""
    groups: list[tuple[tuple[str, ...], Mapping[str, Any]]] = [(("tables",), plan.tables)]
    groups += [(("tables", name, "columns"), table.columns) for name, table in plan.tables.items()]
    for path, names in groups:
        first: dict[str, str] = {}
        for name in names:
            before = first.setdefault(name.casefold(), name)
            if before != name:
                yield Diagnostic(
                    "duplicate-key",
                    f'"{name}" and "{before}" differ only in case, so that they are one name in a warehouse',
                    document.location(*path, name),
                    hint="remove one of them",
                )


def _nothing_settled_twice(plan: Plan, document: Document) -> Iterator[Diagnostic]:
    for name, table in plan.tables.items():
        if table.history and table.lifecycle:
            yield Diagnostic(
                "history-and-lifecycle",
                f"{name} has a history and a lifecycle; a table records every version or only the latest state",
                document.location("tables", name, "lifecycle"),
                hint="remove one of them",
            )
