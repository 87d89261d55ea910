"""Where a seed must land so that a `source()` finds it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seedbed.errors import NOWHERE, Diagnostic, Severity
from seedbed.plan.resolved import ResolvedTable
from seedbed.schema import Project
from seedbed.sinks.data_tests import jinja_safe
from seedbed.sinks.dialect import quoted

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Placement:
    """The parts of a seed's `config:` that put it in its place, and what a person should know about them."""

    config: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Diagnostic, ...] = ()


def placement(table: ResolvedTable, project: Project) -> Placement:
    """How the table's seed comes to stand where its source is looked for.

    dbt puts a seed into the target's schema, or, by a seed's `schema: x`, into `<target schema>_x` (`x` itself
    when the project overrides `generate_schema_name`). A source anywhere else is a view there upon the seed.
    """
    source = table.source
    if source is None:
        return Placement()
    alias = {} if source.identifier == table.file else {"alias": jinja_safe(source.identifier)}
    wanted, target = source.database_schema, project.target_schema
    if target and wanted.casefold() == target.casefold():
        return Placement(alias)
    if project.custom_schema_names:
        return Placement({"schema": jinja_safe(wanted), **alias})
    if target and wanted.casefold().startswith(f"{target}_".casefold()):
        return Placement({"schema": jinja_safe(wanted[len(target) + 1 :]), **alias})
    return _view(table, source.database_schema, source.identifier, project.adapter)


def _view(table: ResolvedTable, database_schema: str, identifier: str, adapter: str | None) -> Placement:
    schema, name = (
        part if _PLAIN.fullmatch(part) else jinja_safe(quoted(part, adapter)) for part in (database_schema, identifier)
    )
    # In a target whose own schema is the source's, the seed may already stand where the view would.
    elsewhere = f"this.schema != {_literal(database_schema)} or this.identifier != {_literal(identifier)}"
    view = f"create or replace view {schema}.{name} as select * from {{{{ this }}}}"
    config = {
        # Before the transaction, or seeds that are loaded at the same time block each other.
        "pre_hook": [{"sql": f"create schema if not exists {schema}", "transaction": False}],
        "post_hook": [f"{{% if {elsewhere} %}}{view}{{% endif %}}"],
    }
    note = Diagnostic(
        "source-view",
        f"{table.name} is made as the seed {table.file}, with a view {database_schema}.{identifier} upon it, because "
        "dbt itself puts no seed into that schema",
        table.columns[0].origin if table.columns else NOWHERE,
        Severity.NOTE,
        "models on sources do not wait for seeds: run `dbt seed` before the first `dbt build`",
    )
    return Placement(config, (note,))


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
