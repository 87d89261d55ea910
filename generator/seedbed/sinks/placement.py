"""Where a seed must land so that a `source()` finds it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seedbed.plan.resolved import ResolvedTable
from seedbed.schema import Project
from seedbed.sinks.data_tests import jinja_safe
from seedbed.sinks.dialect import quoted

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Placement:
    """The parts of a seed's `config:` that put it in its place, and the view, if any, that leads to it."""

    config: Mapping[str, Any] = field(default_factory=dict)
    view: str | None = None


def placement(table: ResolvedTable, project: Project) -> Placement:
    """How the table's seed comes to stand where its source is looked for.

    dbt puts a seed into the target's schema, or, by a seed's `schema: x`, into `<target schema>_x` (`x` itself
    when the project overrides `generate_schema_name`). A source anywhere else is a view there upon the seed.
    """
    source = table.source
    if source is None:
        return Placement()
    wanted, target = source.database_schema, project.target_schema
    alias = {} if source.identifier == table.file else {"alias": jinja_safe(source.identifier)}
    # dbt does not make models on sources wait for seeds, and drops the old table before the transaction in which
    # it makes the new one, unless a hook has begun that transaction: then readers never find the table missing.
    begin = {"pre_hook": ["select 1"]}
    if target and wanted.casefold() == target.casefold():
        return Placement({**alias, **begin})
    if project.custom_schema_names:
        return Placement({"schema": jinja_safe(wanted), **alias, **begin})
    if target and wanted.casefold().startswith(f"{target}_".casefold()):
        return Placement({"schema": jinja_safe(wanted[len(target) + 1 :]), **alias, **begin})
    schema, name = _sql(wanted, project.adapter), _sql(source.identifier, project.adapter)
    # In a target whose own schema is the source's, the seed may already stand where the view would.
    elsewhere = f"this.schema != {_literal(wanted)} or this.identifier != {_literal(source.identifier)}"
    view = f"create or replace view {schema}.{name} as select * from {{{{ this }}}}"
    config = {
        # The schema outside the transaction, or seeds that are loaded at the same time block each other.
        "pre_hook": [{"sql": f"create schema if not exists {schema}", "transaction": False}, *begin["pre_hook"]],
        "post_hook": [f"{{% if {elsewhere} %}}{view}{{% endif %}}"],
    }
    return Placement(config, f"{wanted}.{source.identifier}")


def _sql(name: str, adapter: str | None) -> str:
    return name if _PLAIN.fullmatch(name) else jinja_safe(quoted(name, adapter))


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
