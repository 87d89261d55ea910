"""The words of the prompts: templates that a person can read and replace, and the parts that are put into them.

A template is plain text with `$names`. Texts of the project are cleaned and stand in data blocks; the same project
gives the same words, so that replies can be cached.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from pydantic_core import PydanticUndefined

from seedbed.authoring.llm.untrusted import clean, data_block
from seedbed.errors import AuthoringError, Diagnostic, Location, closest
from seedbed.plan import kinds
from seedbed.plan.calls import Call
from seedbed.plan.plan_text import plain
from seedbed.plan.rules import RULES
from seedbed.plan.spec import Plan, TableEntry
from seedbed.schema import Column, Schema, Table

FOLDER = "seedbed/prompts"
"""Below the project's root: templates that take the place of ours."""
_OURS = Path(__file__).with_name("templates")
_NONE = "(none)"
_MAX_RULES = 60
_SHORT, _LONG = 70, 160

OFFERED = tuple(
    cls
    for cls in kinds.KINDS.values()
    if cls not in (
        kinds.Sequence, kinds.Uuid, kinds.HashKey, kinds.ForeignKey, kinds.DateKey, kinds.Version, kinds.During,
        kinds.Lifecycle, kinds.Ordinal, kinds.Zipf, kinds.Pool, kinds.Empirical, kinds.ChangedAt,
        kinds.LoadedAt, kinds.DeletedAt, kinds.IsDeleted, kinds.Calendar,
    )
)  # fmt: skip
"""The kinds that an LLM may use: not those of keys, processes and calendars, which the baseline decides, nor pools,
whose texts it is asked for later, nor what is measured in real data."""
_TELLING = (
    kinds.Choice, kinds.ChoiceBy, kinds.Boolean, kinds.Sql, kinds.After, kinds.Copy, kinds.Date, kinds.Timestamp,
    kinds.Rollup, kinds.Template, kinds.Each, kinds.Lifecycle,
)  # fmt: skip
"""The kinds of decided columns that are worth knowing when others are decided."""


@dataclass(frozen=True, slots=True)
class Templates:
    """The templates of one run, by name."""

    texts: Mapping[str, str]

    def fill(self, name: str, **parts: str) -> str:
        """The text of a template with its parts put in."""
        return Template(self.texts[name]).substitute(parts).strip()


_PARTS: Mapping[str, tuple[str, ...]] = {
    "role": (),
    "generators": ("generators",),
    "survey": ("model", "rules", "processes", "most_rows"),
    "workflow": ("model", "texts", "process"),
    "rules": ("model", "processes", "kinds", "rules"),
    "rows_role": (),
    "rows": ("domain", "model", "rules", "columns", "amount", "keys", "there"),
    "columns": ("domain", "model", "rules", "processes", "start", "as_of", "columns", "rows", "most_rows"),
    "texts": ("domain", "about", "column", "form", "length", "slots", "manner", "strata", "avoid"),
}
"""The templates and the names that stand in each."""


def read_templates(root: Path) -> Templates:
    """Our templates, each replaced by the project's `seedbed/prompts/<name>.txt` where there is one.

    Raises:
        AuthoringError: a template of the project is unknown, cannot be read, or has other names than ours.
    """
    texts = {name: (_OURS / f"{name}.txt").read_text(encoding="utf-8") for name in _PARTS}
    found: list[Diagnostic] = []
    for path in sorted((root / FOLDER).glob("*")):
        place = Location(f"{FOLDER}/{path.name}")
        if path.suffix != ".txt" or path.stem not in _PARTS:
            known = [f"{name}.txt" for name in _PARTS]
            hint = closest(path.name, known) or f"templates are {', '.join(known)}"
            found.append(Diagnostic("unknown-template", f"there is no template {path.name}", place, hint=hint))
            continue
        try:
            texts[path.stem] = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            found.append(Diagnostic("unreadable-template", f"it cannot be read: {error}", place))
            continue
        found += _wrong_names(texts[path.stem], _PARTS[path.stem], place)
    if found:
        raise AuthoringError("The prompts cannot be written.", found)
    return Templates(texts)


def _wrong_names(text: str, wanted: Sequence[str], place: Location) -> Iterator[Diagnostic]:
    template = Template(text)
    if not template.is_valid():
        yield Diagnostic("template-dollar", "a $ stands before what is no name", place, hint="write $$ for a dollar")
    names = template.get_identifiers()
    for name in names:
        if name not in wanted:
            hint = closest(name, wanted) or f"known here are {', '.join(wanted) or 'none'}; write $$ for a dollar"
            yield Diagnostic("template-name", f"${name} is not known in this template", place, hint=hint)
    for name in wanted:
        if name not in names:
            yield Diagnostic("template-name", f"${name} is missing: the LLM would not be told", place)


# --- the generators ------------------------------------------------------------------------------------------


def render_generators() -> str:
    """One line for each kind that may be used: its arguments, and what its documentation says first."""
    return "\n".join(f"- {_signature(cls)}: {_first_words(cls)}" for cls in OFFERED)


def render_rule_kinds() -> str:
    """One line for each kind of rule: its arguments, and what it means."""
    return "\n".join(f"- {_signature(cls)}: {' '.join((cls.__doc__ or '').split())}" for cls in RULES.values())


def _signature(cls: type[Call]) -> str:
    own = [name for name in cls.model_fields if name not in kinds.Drawn.model_fields]
    arguments = []
    for name in [*cls.positional, *(name for name in own if name not in cls.positional)]:
        default = cls.model_fields[name].default
        given = "" if default is PydanticUndefined or default is None else json.dumps(default)
        arguments.append(name if name in cls.positional else f"{name}={given}")
    return f"{cls.kind}({', '.join(arguments)})"


def _first_words(cls: type[kinds.Generator]) -> str:
    first = (cls.__doc__ or "").partition("\n\n")[0]
    said = " ".join(first.replace("`", "").split())
    if cls is kinds.Fake:
        return f"{said} what is one of {', '.join(cls.model_fields['what'].annotation.__args__)}"  # type: ignore[union-attr]
    return said


# --- the data model ------------------------------------------------------------------------------------------


def render_model(
    schema: Schema,
    plan: Plan,
    tables: Collection[str],
    asked: Mapping[str, Collection[str]] | None = None,
    context: Collection[str] = (),
    about: Mapping[str, str] | None = None,
    *,
    values: bool = False,
) -> str:
    """A data block with a Mermaid ERD.

    Args:
        schema: what the project says.
        plan: what is decided so far.
        tables: the tables to draw.
        asked: the columns to decide, marked "?", by table; columns are drawn without comments when None.
        context: tables that are drawn without comments, because others refer to them.
        about: what is known of a table besides its description.
        values: write to each column which values it holds, too, as far as that is known.
    """
    shown = [table for table in schema if table.name in tables or table.name in context]
    lines = [line for table in shown if table.name in tables for line in _about(table, about or {})]
    lines += ["", "```mermaid", "erDiagram"]
    for table in shown:
        marked = asked.get(table.name, ()) if asked is not None and table.name in tables else None
        lines.append(f"  {_name(table.name)} {{")
        lines += [f"    {_attribute(table, column, plan, marked, values=values)}" for column in table.columns]
        lines.append("  }")
    names = {table.name for table in shown}
    for table in shown:
        for columns, parent in references(table, plan):
            if parent in names and (table.name in tables or parent in tables):
                lines.append(f"  {_name(parent)} ||--o{{ {_name(table.name)} : {_name('+'.join(columns))}")
    return data_block("\n".join([*lines, "```"]).strip())


def references(table: Table, plan: Plan) -> Iterator[tuple[tuple[str, ...], str]]:
    """The foreign keys of a table, declared ones and those that the plan found: columns and parent."""
    declared = {column for key in table.foreign_keys for column in key.columns}
    yield from ((key.columns, key.parent) for key in table.foreign_keys)
    entry = plan.tables.get(table.name)
    for name, column in entry.columns.items() if entry else ():
        match column.generator:
            case kinds.ForeignKey(parent=parent) | kinds.DateKey(parent=parent) | kinds.Version(table=parent):
                if name not in declared:
                    yield (name,), parent


def _about(table: Table, about: Mapping[str, str]) -> Iterator[str]:
    said = [clean(table.description.value, _LONG)] if table.description and table.description.value.strip() else []
    if table.name in about:
        said.append(about[table.name])
    if said:
        yield f"{clean(table.name)}: {' | '.join(said)}"


def _attribute(table: Table, column: Column, plan: Plan, marked: Collection[str] | None, *, values: bool) -> str:
    said = column.data_type.value.text if column.data_type else "any"
    kind = re.sub(r"[^\w()\[\]-]", "", re.sub(r"\s*,\s*", "-", said.strip()).replace(" ", "_")) or "any"
    key = []
    if table.primary_key and column.name in table.primary_key.value:
        key.append("PK")
    elif column.unique:
        key.append("UK")
    entry = plan.tables.get(table.name)
    if any(column.name in columns for columns, _ in references(table, plan)):
        key.append("FK")
    parts = [kind, _name(column.name), ", ".join(key)]
    if marked is not None:
        comment = _comment(column, entry, asked=column.name in marked, values=values)
        parts.append(f'"{comment}"' if comment else "")
    return " ".join(part for part in parts if part)


def _comment(column: Column, entry: TableEntry | None, *, asked: bool, values: bool) -> str:
    said = []
    if column.description and column.description.value.strip():
        said.append(clean(column.description.value, _LONG if asked else _SHORT))
    planned = entry.columns.get(column.name) if entry else None
    if (asked or values) and column.accepted_values:
        said.append("one of " + ", ".join(map(_value, column.accepted_values.value)))
    if asked:
        if column.value_range:
            bounds = column.value_range.value
            said.append(f"from {_bound(bounds.minimum)} to {_bound(bounds.maximum)}")
        if column.not_null:
            said.append("never null")
        return clean("? " + "; ".join(said), 400)
    if planned and isinstance(planned.generator, _TELLING):
        said.append(clean(f"= {planned.generator}", _LONG if values else _SHORT))
    return clean("; ".join(said), 300)


def _value(value: object) -> str:
    """A listed value, in apostrophes if it is text: some are blank."""
    if not isinstance(value, str):
        return clean(str(value), 40)
    return "' '" if value.isspace() else f"'{clean(value, 40)}'"


def _bound(value: object) -> str:
    return "any" if value is None else clean(str(value), 30)


def _name(name: str) -> str:
    cleaned = clean(name, 100)
    return cleaned if re.fullmatch(r"[A-Za-z_][\w-]*", cleaned) else f'"{cleaned}"'


# --- rules and processes -------------------------------------------------------------------------------------


def render_rules(schema: Schema) -> str:
    """A data block with the project's rules in words, numbered."""
    kept = list(dict.fromkeys(clean(sentence.text, 300) for sentence in schema.rules))[:_MAX_RULES]
    return data_block("\n".join(f"{number}. {rule}" for number, rule in enumerate(kept, 1))) if kept else _NONE


def render_processes(schema: Schema, plan: Plan, tables: Collection[str]) -> str:
    """A data block with what is known of the processes that the tables go through: states and their transitions."""
    lines = []
    for table in schema:
        entry = plan.tables.get(table.name)
        process = _process(table, entry) if table.name in tables else {}
        if process:
            said = json.dumps(process, ensure_ascii=False, default=str, separators=(",", ":"))
            # JSON's own quotes and braces stay: the texts in it are cleaned one by one.
            lines.append(f"{clean(table.name)}: {said[:2_000]}")
            flow = next((flow for flow in schema.workflows if flow.name == process.get("workflow")), None)
            if flow is not None:
                moves = (
                    f"{clean(move.source, 40)} -> {clean(move.target, 40)}"
                    + (f" {move.probability:g}" if move.probability is not None else "")
                    for move in flow.transitions
                )
                lines.append(f"  {', '.join(moves)}")
    return data_block("\n".join(lines)) if lines else _NONE


_OF_PROCESS = ("state", "states", "workflow", "initial", "transitions", "matrix", "depends_on", "by")


def _process(table: Table, entry: TableEntry | None) -> dict[str, object]:
    """The states and transitions of a table's history or lifecycle, as they are written."""
    for name in ("history", "lifecycle"):
        annotated = table.annotation.at(name).value if table.annotation else None
        planned = plain(getattr(entry, name, None))
        # An annotation may leave the moves to the plan, where `by` is the author.
        said = {**({**planned, "by": None} if planned else {}), **(annotated if isinstance(annotated, dict) else {})}
        if said:
            return {key: _cleaned(said[key]) for key in _OF_PROCESS if said.get(key)}
    return {}


def _cleaned(value: object) -> object:
    match value:
        case str():
            return clean(value, 60)
        case dict():
            return {clean(str(key), 60): _cleaned(item) for key, item in value.items()}
        case list() | tuple():
            return [_cleaned(item) for item in value]
    return value
