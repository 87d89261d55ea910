"""Seedbed from Python: from a project, or from the text of a schema, to DataFrames.

    >>> schema = seedbed.read("my_dbt_project")
    >>> plan = seedbed.author(schema, seed=7)
    >>> tables = seedbed.generate(plan)
    >>> tables["orders"].head()

Problems that stop a step are raised together as one error; warnings are Python's own, of the class SeedbedWarning.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from seedbed import api
from seedbed.api import LlmOptions, Planned
from seedbed.documents import Document
from seedbed.errors import Diagnostic, Location, PlanError, ProjectError, SeedbedWarning, Severity, SinkError
from seedbed.plan.files import plan_of, read_plan
from seedbed.plan.resolved import ResolvedPlan
from seedbed.schema import Schema, Sentence
from seedbed.sinks.base import Outcome
from seedbed.yaml_text import read_yaml

if TYPE_CHECKING:
    import pandas as pd

_DIAGRAMS = (".mmd", ".mermaid", ".md")
_PROPERTIES = (".yml", ".yaml")
_SHOWN = 60
_RULE = Location(path="rules")
_PLANNED = "the plan that seedbed.author(schema) gives"


def read(
    source: Path | str = ".",
    *,
    profile: str | None = None,
    target: str | None = None,
    profiles_dir: Path | str | None = None,
    vars: Mapping[str, object] | None = None,
) -> Schema:
    """What a dbt project says of its tables; the other arguments are dbt's.

    Args:
        source: the project's folder; or one file, a Mermaid diagram (`.mmd`, `.md`) or a property file (`.yml`).

    Raises:
        ProjectError: it cannot be read.
    """
    path = Path(source)
    if path.is_file() and path.suffix in (*_DIAGRAMS, *_PROPERTIES):
        return _read_files({path.name: _text_of(path)})
    schema, notes = api.read_project(path, profile=profile, target=target, profiles_dir=profiles_dir, vars=vars)
    _warn(notes)
    return schema


def read_text(*, erd: str = "", yaml: str = "") -> Schema:
    """What a schema says that is given as text, without a dbt project.

    Args:
        erd: Mermaid: an `erDiagram` or a `stateDiagram`; several of them as fenced blocks of Markdown.
        yaml: a dbt property file: `models:`, `seeds:` or `sources:` with columns, types and tests.

    Raises:
        ProjectError: it cannot be read.
    """
    if not erd.strip() and not yaml.strip():
        raise ProjectError("There is nothing to read: give erd=, the text of a diagram, or yaml=, of a property file.")
    diagram = "erd.md" if "```" in erd else "erd.mmd"
    return _read_files({name: text for name, text in ((diagram, erd), ("yaml.yml", yaml)) if text.strip()})


def author(
    schema: Schema,
    *,
    llm: bool | str | LlmOptions = False,
    rules: Sequence[str] = (),
    seed: int | None = None,
    plan: Mapping[str, Any] | Path | str | None = None,
    today: dt.date | str | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> Planned:
    """A plan that covers the whole schema: what `plan` or the project's seedbed.yml says, and the rest decided here.

    Nothing is written; `print(plan)` shows it, `save_plan` writes it into the project.

    Args:
        schema: what the project says.
        llm: have an LLM decide what is only guessed without one: True takes its endpoint, model and key from
            SEEDBED_LLM_BASE_URL, SEEDBED_LLM_MODEL and SEEDBED_LLM_API_KEY; a text names the model; `LlmOptions` say
            more, such as a limit on tokens.
        rules: business rules in words, beside those of the project.
        seed: the random seed, in place of the plan's.
        plan: a plan as a mapping, as `seedbed.yml` has it (`start` and `as_of` are needed), or the file that holds one;
            the project's own by default.
        today: from which a new plan takes its as-of date, the last day of the month before; today by default. A date or
            its text, "2026-06-30".
        tell: is told of each call to the LLM, for example `print`.

    Raises:
        PlanError: the plan that there is cannot be used, or an argument is not what is expected here.
        AuthoringError: no LLM is configured, or it cannot be asked.
    """
    _expect("schema", schema, Schema, "the schema that seedbed.read(folder) or seedbed.read_text(...) gives")
    said = replace(schema, rules=(*schema.rules, *(Sentence(rule, _RULE) for rule in rules)))
    planned = api.plan_project(
        said,
        today=_date("today", today) or dt.date.today(),
        author="llm" if llm else "baseline",
        llm=_options(llm),
        tell=tell,
        given=None if plan is None else _given(plan),
    )
    _warn(planned.notes)
    if seed is not None:
        planned = replace(planned, plan=planned.plan.model_copy(update={"random_seed": _checked_seed(seed)}))
    return planned


def resolve(
    plan: Planned,
    *,
    select: Sequence[str] = (),
    rows: Mapping[str, int] | None = None,
    scale: float = 1.0,
    as_of: dt.date | str | None = None,
    since: dt.date | str | None = None,
    changes: Literal["delta", "feed"] | None = None,
) -> ResolvedPlan:
    """The plan with nothing left to decide: what the finer steps take, and Spark.

    Args:
        plan: as `author` gave it.
        select: which tables, as dbt selects; all by default.
        rows: numbers of rows by table, in place of the plan's; what the plan asks for stays as it is.
        scale: factor for all other numbers of rows.
        as_of: a later as-of date than the plan's, as a date or its text, "2026-12-31".
        since: tell only what changed after this earlier as-of date, from the plan's own on.
        changes: how it is told: as new and changed rows (`delta`, the default), or as every insert, update and delete
            (`feed`; without `since` it begins with all rows).

    Raises:
        PlanError: the plan does not fit the schema, or cannot be carried out.
    """
    _expect("plan", plan, Planned, _PLANNED)
    chosen, notes = api.choose_tables(plan.schema, select)
    resolved, found = api.resolve_plan(
        plan.schema,
        plan,
        select=chosen,
        rows=rows,
        scale=scale,
        as_of=_date("as_of", as_of),
        since=_date("since", since),
        changes=changes,
    )
    _warn([*notes, *found])
    return resolved


def generate(
    plan: Planned,
    *,
    select: Sequence[str] = (),
    rows: Mapping[str, int] | None = None,
    scale: float = 1.0,
    as_of: dt.date | str | None = None,
    since: dt.date | str | None = None,
    changes: Literal["delta", "feed"] | None = None,
    workers: int | None = None,
) -> dict[str, pd.DataFrame]:
    """Makes the tables as pandas DataFrames by name, with the values that `seedbed generate` writes.

    Integers are `Int64`, texts `string`, dates and timestamps `datetime64`, decimals `float64`; `generate_arrow` has
    decimals exact. The other arguments are those of `resolve`; `workers` is how many processes make rows at most, this
    one included: as many as there are processors by default.

    Raises:
        PlanError: the plan does not fit the schema, or cannot be carried out.
        GenerationError: it cannot be carried out with these numbers of rows.
        SinkError: pandas is not installed.
    """
    dataframes = importlib.import_module("seedbed.sinks.dataframes")
    tables = generate_arrow(
        plan, select=select, rows=rows, scale=scale, as_of=as_of, since=since, changes=changes, workers=workers
    )
    return {name: dataframes.dataframe(table) for name, table in tables.items()}


def generate_arrow(
    plan: Planned,
    *,
    select: Sequence[str] = (),
    rows: Mapping[str, int] | None = None,
    scale: float = 1.0,
    as_of: dt.date | str | None = None,
    since: dt.date | str | None = None,
    changes: Literal["delta", "feed"] | None = None,
    workers: int | None = None,
) -> dict[str, pa.Table]:
    """Makes the tables as Arrow tables by name; arguments and errors as of `generate`."""
    resolved = resolve(plan, select=select, rows=rows, scale=scale, as_of=as_of, since=since, changes=changes)
    return api.generate_tables(resolved, workers=workers or os.cpu_count() or 1)


def save_plan(plan: Planned) -> Path:
    """Writes the plan into its project as seedbed.yml, whole or not at all.

    Raises:
        PlanError: it is no plan.
        SinkError: it cannot be written, or the schema belongs to no project.
    """
    _expect("plan", plan, Planned, _PLANNED)
    _require_project(plan.schema.project.root)
    return api.save_plan(plan.schema, plan)


def write_seeds(resolved: ResolvedPlan, *, force: bool = False, workers: int | None = None) -> Outcome:
    """Writes the tables into their project as dbt seeds, with their properties: what `seedbed generate` does.

    Args:
        resolved: the plan.
        force: also replace what a person wrote or edited.
        workers: how many processes make rows at most, this one included; as many as processors by default.

    Raises:
        PlanError: it is no resolved plan.
        GenerationError: the plan cannot be carried out with these numbers of rows.
        SinkError: the seeds cannot be written, or the schema belongs to no project; nothing was touched.
    """
    _expect("resolved", resolved, ResolvedPlan, "the resolved plan that seedbed.resolve(plan) gives")
    _require_project(resolved.project.root)
    outcome = api.write(resolved, api.csv_sink(resolved, force=force), workers=workers or os.cpu_count() or 1)
    _warn(outcome.notes)
    return outcome


def _read_files(files: Mapping[str, str]) -> Schema:
    """The schema of a project that has these files and nothing else."""
    with tempfile.TemporaryDirectory(prefix="seedbed-") as folder:
        root = Path(folder)
        (root / "models").mkdir()
        (root / "dbt_project.yml").write_text("name: notebook\n", encoding="utf-8")
        for name, text in files.items():
            (root / "models" / name).write_text(text, encoding="utf-8")
        schema, notes = api.read_project(root, profiles_dir=root)
    _warn(notes)
    if not any(table.generated for table in schema):
        raise ProjectError("No table with columns stands in the text.", notes)
    return schema


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ProjectError(f"{path} cannot be read: {error}.") from error


def _given(plan: Mapping[str, Any] | Path | str) -> api.Given:
    if isinstance(plan, Mapping):
        document = Document(_plain(plan), "the plan")
        return plan_of(document), document
    if isinstance(plan, str) and "\n" in plan:
        try:
            document = read_yaml(plan, "the plan", strict=True)
        except ProjectError as error:
            raise PlanError("The plan cannot be used.", error.diagnostics) from None
        return plan_of(document), document
    _expect("plan", plan, str | Path, 'a mapping such as {"start": "2024-01-01", "as_of": "2025-12-31"}, or a file')
    return read_plan(Path(plan), Path(plan).parent)


def _expect(name: str, given: object, kind: type | UnionType, expected: str) -> None:
    if not isinstance(given, kind):
        raise PlanError(f"{name} is {_shown(given)}: give {expected}.")


def _date(name: str, given: object) -> dt.date | None:
    """The day that is meant by a date, a moment or ISO text."""
    match given:
        case None | dt.datetime():
            return given and given.date()
        case dt.date():
            return given
        case str():
            with contextlib.suppress(ValueError):
                return dt.date.fromisoformat(given)
    raise PlanError(f'{name} is {_shown(given)}: give a date, or its text such as "2026-12-31".')


def _shown(given: object) -> str:
    """A scalar or a list as it stands, anything larger by its class."""
    text = repr(given)
    return text if len(text) <= _SHOWN and "\n" not in text else f"a {type(given).__name__}"


def _plain(value: Any) -> Any:
    """Mappings and tuples as YAML would give them."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _options(llm: bool | str | LlmOptions) -> LlmOptions | None:
    if isinstance(llm, str):
        return LlmOptions(environ={**os.environ, "SEEDBED_LLM_MODEL": llm})
    return llm if isinstance(llm, LlmOptions) else None


def _checked_seed(seed: int) -> int:
    if not 0 <= seed < 2**63:
        raise PlanError(f"The seed {seed} is not a whole number from 0 to 2**63 - 1.")
    return seed


def _require_project(root: Path) -> None:
    if not root.is_dir():
        raise SinkError("There is no project to write to: the schema was read from text; use read() on its folder.")


def _warn(found: Sequence[Diagnostic]) -> None:
    """Warnings as Python's own, at the line that called Seedbed."""
    level, frame = 1, sys._getframe()
    while frame.f_back and frame.f_globals.get("__name__") == __name__:
        level, frame = level + 1, frame.f_back
    for problem in found:
        if problem.severity is Severity.WARNING:
            warnings.warn(str(problem), SeedbedWarning, stacklevel=level)
