"""Says in words and tables what was decided, what changed, and what a check found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from seedbed.authoring.client.by_hand import Answered, Prompt, Walk
from seedbed.authoring.client.calls import Request
from seedbed.authoring.client.endpoint import Endpoint
from seedbed.authoring.client.ledger import Entry, estimate
from seedbed.check import Finding
from seedbed.errors import AuthoringError, CheckFailed, ProjectError, closest
from seedbed.plan import kinds
from seedbed.plan.files import Changes
from seedbed.plan.resolved import (
    Concentration,
    Covering,
    Days,
    DistinctAmongSiblings,
    Drawn,
    Driving,
    Fixed,
    FromFile,
    Given,
    LookedUp,
    OnDay,
    OneToOne,
    Part,
    PerParent,
    Reference,
    ResolvedColumn,
    ResolvedLifecycle,
    ResolvedPlan,
    ResolvedTable,
    Tree,
    ValidAt,
    VersionPart,
    Versions,
    Via,
)
from seedbed.schema import Schema

_FULL_PRECISION = 3
_NAMED = 12
"""Tables that a message names at most."""
_VERSION_PARTS = {
    Part.STATE: "the state of the version",
    Part.VALID_FROM: "when the version begins",
    Part.VALID_TO: "when the next version begins",
    Part.CURRENT: "whether it is the latest version",
    Part.VERSION: "the number of the version",
}


def spoken_changes(changes: Changes) -> Iterator[str]:
    """One line for each entry of the plan that was added, changed or removed."""
    for change in changes.all:
        yield str(change)


def spoken_calls(requests: Sequence[Request], endpoint: Endpoint | None, *, every: bool) -> Iterator[str]:
    """What asking an LLM will cost if each call is answered at the first try; with `every`, each call too."""
    if not requests:
        yield "nothing is left for an LLM to decide: no call"
        return
    for request in requests if every else ():
        single = estimate([request])
        yield f"  {request.name} {request.batch + 1}: about {single.prompt:,} tokens in, {single.completion:,} out"
    total = estimate(requests)
    cost = f", {total.cost(endpoint.price):.2g} at your price" if endpoint and endpoint.price else ""
    whom = f" to {endpoint.model} at {endpoint.host}" if endpoint else ""
    yield f"estimate: {total}{whom}{cost}; repairs come on top, replies from the cache are free"


def spoken_ledger(calls: Sequence[Entry]) -> Iterator[tuple[str, dict[str, object]]]:
    """What each call cost, as a line and as the fields of a JSON object."""
    for call in calls:
        usage, repair = call.usage, f", repair {call.attempt}" if call.attempt else ""
        about = "" if usage.measured else "about "
        cached = f" ({usage.cached:,} of them seen before by the provider)" if usage.cached else ""
        cost = f"{about}{usage.prompt:,} tokens in{cached}, {usage.completion:,} out, {call.seconds:.1f} s"
        said = f"  {call.name} {call.batch + 1}{repair}: {'from the cache' if call.recorded else cost}"
        yield said, {"call": call.name, "batch": call.batch + 1, "repair": call.attempt, "recorded": call.recorded,
                     "prompt_tokens": usage.prompt, "cached_tokens": usage.cached, "answer_tokens": usage.completion,
                     "measured": usage.measured, "seconds": round(call.seconds, 3)}  # fmt: skip


def spoken_answer(answered: Answered) -> str:
    """What became of an answer that a person brought, and what to say in the chat where it cannot be used."""
    about = f"{answered.file}, the answer to {answered.prompt.title}"
    if not answered.problems:
        return f"{about}: used"
    what = "cannot be used"
    if answered.given_up:
        what += (
            f", like the {answered.prompt.request.attempt} before it. What none of them got right keeps the baseline "
            f"author's entries; `--reply {answered.prompt.key}=FILE` still takes a better answer"
        )
    return f"{about}: {what}. Say in the same chat:\n\n{answered.complaint}\n"


def spoken_prompts(prompts: Sequence[Prompt]) -> str:
    """Which prompts wait for an answer."""
    count = len(prompts)
    return f"{count} prompt{'s are' if count > 1 else ' is'} open: {', '.join(prompt.title for prompt in prompts)}"


def unused_answer(walk: Walk, options: str) -> AuthoringError:
    """Why an answer that a person brought answers nothing; `options` are those of `seedbed plan`."""
    answer = walk.unused[0]
    if answer.key:
        return AuthoringError(f"No open prompt has the key {answer.key}; `seedbed prompt` prints those that are.")
    if walk.open:
        return AuthoringError(
            f"There are more answers than open prompts: nothing asked for {answer.file}, which was not used. "
            f"`seedbed prompt{options}` prints what is open now."
        )
    return AuthoringError(
        f"There are more answers than open prompts: all are answered, and {answer.file} was not used. "
        f"`seedbed plan{options} --reply` without a file writes the plan."
    )


# --- check ---------------------------------------------------------------------------------------------------


def findings_table(findings: Sequence[Finding]) -> RenderableType:
    """Each promise with the rows that were checked, and what came of it."""
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for name, justify in (("table", "left"), ("promise", "left"), ("rows checked", "right"), ("", "left")):
        grid.add_column(name, justify=justify)  # type: ignore[arg-type]
    for finding in findings:
        style = {"passed": "green", "failed": "bold red"}.get(finding.status, "yellow")
        result = f"{finding.violations:,} violations" if finding.status == "failed" else finding.status
        grid.add_row(finding.table, finding.promise, f"{finding.rows_checked:,}", Text(result, style=style))
    return grid


def finding_fields(finding: Finding) -> dict[str, object]:
    """A finding as the fields of a JSON object."""
    return {
        "table": finding.table,
        "columns": list(finding.columns),
        "status": finding.status,
        "rows_checked": finding.rows_checked,
        "violations": finding.violations,
        "examples": list(finding.examples),
    }


def spoken_finding(finding: Finding) -> str:
    """A broken promise with some of the guilty rows."""
    lines = [f"{finding.table}: {finding.promise}: {finding.violations:,} of {finding.rows_checked:,} rows break it"]
    lines += ["  " + ", ".join(f"{name} = {value}" for name, value in row.items()) for row in finding.examples]
    if finding.hint:
        lines.append(f"  hint: {finding.hint}")
    return "\n".join(lines)


def broken_promises(failed: Sequence[Finding], count: int) -> CheckFailed:
    """The error of a check that failed."""
    tables = ", ".join(dict.fromkeys(finding.table for finding in failed))
    return CheckFailed(f"{len(failed)} of {count} promises are broken, in {tables}.")


# --- explain -------------------------------------------------------------------------------------------------


def explain(schema: Schema, resolved: ResolvedPlan, what: str | None) -> RenderableType:
    """Where each decision came from.

    Args:
        schema: what the project says.
        resolved: what was decided.
        what: a table, a column as `table.column`, or None for an overview.

    Raises:
        ProjectError: there is no such table or column.
    """
    if what is None:
        return _overview(resolved)
    table, column = _find(resolved, what)
    return _table(schema, resolved, table) if column is None else _column(schema, resolved, table, column)


def _find(resolved: ResolvedPlan, what: str) -> tuple[ResolvedTable, ResolvedColumn | None]:
    shown = [table for table in resolved if table.written]
    for table in sorted(shown, key=lambda item: -len(item.name)):
        for name in {table.name, table.name.rpartition(".")[2]}:
            if what.casefold() == name.casefold():
                return table, None
            if what.casefold().startswith(f"{name.casefold()}."):
                wanted = what[len(name) + 1 :]
                for column in table.written_columns:
                    if column.name.casefold() == wanted.casefold():
                        return table, column
                columns = [column.name for column in table.written_columns]
                hint = closest(wanted, columns, "Did you mean {}?") or f"It has {', '.join(columns)}."
                raise ProjectError(f'{table.name} has no column "{wanted}". {hint}')
    names = [table.name for table in shown]
    paths = [f"{table.name}.{column.name}" for table in shown for column in table.written_columns]
    hint = closest(what, [*names, *paths]) or f"There are {', '.join(names[:_NAMED])}{' ...' * (len(names) > _NAMED)}"
    raise ProjectError(f'There is no generated table "{what}". {hint[0].upper()}{hint[1:]}'.strip())


def _overview(resolved: ResolvedPlan) -> RenderableType:
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for name in ("table", "rows", "columns", "seed"):
        grid.add_column(name)
    for table in resolved:
        if table.written:
            rows = spoken_rows(resolved, table)
            grid.add_row(table.name, rows, str(len(table.written_columns)), f"{table.file}.csv")
    ruled = [table for table in resolved if table.promises.rules]
    return Group(grid, Text(), _rules(ruled, named=True)) if ruled else grid


def _rules(tables: Sequence[ResolvedTable], *, named: bool) -> RenderableType:
    """The typed business rules about some tables: what becomes of each, and by what."""
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for name in (*(["table"] if named else []), "rule", "says", "is", "how", "where"):
        grid.add_column(name, overflow="fold")
    for table in tables:
        for promise in table.promises.rules:
            says = "" if promise.says == str(promise.rule) else promise.says
            cells = (str(promise.rule), says, str(promise.standing), promise.how, promise.origin.short)
            grid.add_row(*([table.name] if named else []), *cells)
    return grid


def _table(schema: Schema, resolved: ResolvedPlan, table: ResolvedTable) -> RenderableType:
    said = schema.table(table.name)
    head = Text()
    head.append(table.name, style="bold")
    if said and said.origin.file:
        head.append(f"   {said.origin.short}", style="dim")
    head.append(f"\nrows: {spoken_rows(resolved, table)}")
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for name in ("column", "type", "how it arises", "decided by", "where"):
        grid.add_column(name, overflow="fold")
    for column in table.written_columns:
        grid.add_row(
            column.name,
            column.data_type.text,
            spoken_how(table, column),
            column.decided_by,
            column.origin.short,
            style="",
        )
    parts: list[RenderableType] = [head, grid]
    if table.promises.rules:
        parts += [Text(), _rules([table], named=False)]
    for lifecycle in resolved.lifecycles:
        if lifecycle.name == table.name:
            parts.append(_matrix(lifecycle))
            parts += [_because(lifecycle)] if lifecycle.because else []
    return Group(*parts)


def _column(schema: Schema, resolved: ResolvedPlan, table: ResolvedTable, column: ResolvedColumn) -> RenderableType:
    grid = Grid(box=None, pad_edge=False, show_header=False)
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    grid.add_row("column", f"{table.name}.{column.name}")
    grid.add_row("type", column.data_type.text)
    grid.add_row("how it arises", spoken_how(table, column))
    grid.add_row("decided by", f"{column.decided_by}  {column.origin.short}".strip())
    if isinstance(column.generator, kinds.Pool):
        pool = resolved.pools[column.generator.name]
        grid.add_row("texts", f"{len(pool.texts):,} in {pool.file} (fingerprint {pool.fingerprint})")
    if column.needs:
        grid.add_row("reads", ", ".join(name.removesuffix("@") for name in column.needs))
    if column.varies_by:
        grid.add_row("varies by", column.varies_by)
    said = schema.table(table.name)
    facts = said.column(column.name) if said else None
    if facts:
        for name in ("data_type", "description", "not_null", "unique", "accepted_values", "value_range", "matches"):
            fact = getattr(facts, name)
            if fact is not None:
                value = getattr(fact.value, "text", fact.value)
                grid.add_row("the project says", f"{name}: {value}   {fact.origin.short}")
    for key in said.foreign_keys if said else ():
        if column.name in key.columns:
            target = f"{key.parent} ({', '.join(key.parent_columns)})"
            grid.add_row("the project says", f"foreign key to {target}   {key.origin.short}")
    return grid


def spoken_rows(resolved: ResolvedPlan, table: ResolvedTable) -> str:
    """How many rows a table has, in words."""
    rows = table.rows
    match rows:
        case Fixed():
            return f"{rows.count:,}"
        case Days():
            return f"{rows.count:,} days from {rows.start}"
        case Given():
            return f"{rows.count:,} in {'a hand-written seed' if table.seed else rows.name}"
        case Versions():
            return f"the versions of each {table.reference(rows.reference).parent}"
        case PerParent():
            where = f" where {rows.where}" if rows.where else ""
            counts = "1" if str(rows.counts) == "constant(1)" else str(rows.counts)
            return f"{counts} for each {table.reference(rows.reference).parent}{where}"


def spoken_how(table: ResolvedTable, column: ResolvedColumn) -> str:
    """How a column's values arise, in words or as its generator."""
    if column.moment:
        return f"the key of the day: {spoken_how(table, table.column(column.moment))}"
    if column.reference:
        return f"{column.parent_column} of {spoken_reference(table.reference(column.reference))}"
    if isinstance(column.generator, FromFile):
        assert isinstance(table.rows, Given)
        return f"as it stands in {table.rows.name}"
    if isinstance(column.generator, VersionPart):
        return _VERSION_PARTS[column.generator.part]
    text = str(column.generator)
    return f"{text}, for each {column.varies_by}" if column.varies_by else text


def spoken_reference(reference: Reference) -> str:
    """How a row finds the parent of a foreign key, in words."""
    parent, finding = reference.parent, reference.finding
    by = f", one for each {reference.varies_by}" if reference.varies_by else ""
    match finding:
        case Driving():
            return f"the {parent} that the row belongs to"
        case Drawn(concentration=Concentration(share=share, of=of)):
            return f"a {parent} drawn so that the busiest {of:.3g} of them have {share:.3g} of the rows"
        case Drawn(zipf=None):
            return f"a {parent} drawn evenly{by}"
        case Drawn():
            return f"a {parent} drawn by rank with weight rank ** -{finding.zipf:g}{by}"
        case Covering():
            most = "any number" if finding.maximum is None else str(finding.maximum)
            return f"a {parent} dealt so that each has {finding.minimum} to {most}"
        case DistinctAmongSiblings():
            return f"another {parent} than its siblings"
        case OneToOne():
            return f"a {parent} of its own"
        case Tree():
            return f"an earlier {parent}; {finding.roots} have none"
        case Via():
            return f"the {parent} found via {' > '.join(finding.path)}"
        case LookedUp():
            return f"the {parent} that the file names"
        case OnDay():
            return f"the {parent} of that day"
        case ValidAt():
            return f"the {parent} that is valid at {finding.at.removesuffix('@')}"


def _because(lifecycle: ResolvedLifecycle) -> RenderableType:
    """The words that each number was read from."""
    grid = Grid(title="because", title_justify="left", box=None, pad_edge=False, show_header=False)
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    for number, said in lifecycle.because.items():
        grid.add_row(number, Text(said))
    return grid


def _matrix(lifecycle: ResolvedLifecycle) -> RenderableType:
    """The transition matrix: from the state on the left to the one above; `[*]` are those that stay there for good."""
    grid = Grid(title=f"transitions   {lifecycle.origin.short}", title_justify="left", box=None, pad_edge=False)
    grid.add_column("from \\ to", style="bold")
    for state in (*lifecycle.states, "[*]"):
        grid.add_column(str(state), justify="right")
    for state, row in zip(lifecycle.states, lifecycle.matrices[0], strict=True):
        stays = round(1 - sum(row), _FULL_PRECISION)
        grid.add_row(str(state), *(f"{p:.{_FULL_PRECISION}g}" if p else "·" for p in (*row, stays)))
    return grid
