"""The promises of a table as dbt data tests: dbt's own where they suffice, the seedbed package's for the rest.

Ranges and patterns have no portable data test here; `seedbed check` covers them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from seedbed.plan import rules
from seedbed.plan.resolved import ForeignKeyPromise, HistoryPromise, ResolvedPlan, ResolvedTable, ValidityPromise
from seedbed.plan.rulings import Condition, RulePromise, Step
from seedbed.schema import TypeKind
from seedbed.sinks.dialect import escaped, needs_quotes, quoted

PACKAGE = "seedbed"


@dataclass(frozen=True, slots=True)
class SeedReference:
    """An argument that is another seed."""

    seed: str

    def __str__(self) -> str:
        return f"ref('{self.seed}')"


@dataclass(frozen=True, slots=True)
class DataTest:
    """One data test on a seed; `column` is None where it looks at several."""

    name: str
    column: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    packaged: bool = False
    """It comes from the seedbed package, not from dbt."""

    @property
    def full_name(self) -> str:
        return f"{PACKAGE}.{self.name}" if self.packaged else self.name

    def as_property(self) -> str | dict[str, Any]:
        """The entry of a `data_tests:` list."""
        if not self.arguments:
            return self.full_name
        return {self.full_name: {"arguments": _map_texts(self.arguments, jinja_safe)}}

    def as_sql(self, seed: str, column: str | None) -> str:
        """The body of a singular test that runs this test on a seed. `column` is as SQL takes it."""
        macro = f"{PACKAGE}.test_{self.name}" if self.packaged else f"test_{self.name}"
        named = ({"column_name": column} if column else {}) | dict(self.arguments)
        arguments = "".join(f", {name}={_jinja_literal(value)}" for name, value in named.items())
        return f"{{{{ {macro}(ref('{seed}'){arguments}) }}}}"


def jinja_safe(text: str) -> str:
    """The text as dbt's Jinja gives it back unchanged."""
    if not any(mark in text for mark in ("{{", "{%", "{#")):
        return text
    # Nothing between the tags may look like the closing one.
    parts = text.split("{%")
    return "{{ '{%' }}".join(f"{{% raw %}}{part}{{% endraw %}}" if part else "" for part in parts)


def column_quoter(table: ResolvedTable, adapter: str | None) -> Callable[[str], str]:
    """How SQL names this table's columns: between quotes, all of them, if one of them needs it."""
    if needs_quotes(column.name for column in table.written_columns):
        return lambda name: quoted(name, adapter)
    return str


def data_tests(table: ResolvedTable, plan: ResolvedPlan, available: Callable[[str], bool]) -> Iterator[DataTest]:
    """The tests that hold the table to its promises, none of them twice.

    Args:
        table: the table.
        plan: the plan that it belongs to.
        available: whether the seed of the table of that name exists, so that a test may refer to it.
    """
    seen: set[str] = set()
    for test in _Translation(table, plan, available).tests():
        spelled = f"{test.full_name} {test.column} {json.dumps(test.arguments, default=str)}"
        if spelled not in seen:
            seen.add(spelled)
            yield test


def is_declared(test: DataTest, declared: Iterable[tuple[str, str | None]]) -> bool:
    """Whether the project's own property file already runs this test, by whichever package's name."""
    names = {"composite_key": ("composite_key", "unique_combination_of_columns")}.get(test.name, (test.name,))
    return any(name.rpartition(".")[2] in names and column == test.column for name, column in declared)


class _Translation:
    def __init__(self, table: ResolvedTable, plan: ResolvedPlan, available: Callable[[str], bool]) -> None:
        self.table, self.plan, self.available = table, plan, available
        self.promises = table.promises
        self.adapter = plan.project.adapter
        self.names = self._names(table)

    def tests(self) -> Iterator[DataTest]:
        yield from self._keys()
        for column in self._never_null():
            yield DataTest("not_null", column)
        for column, values in self.promises.accepted_values.items():
            yield self._accepted_values(column, values)
        for key in self.promises.foreign_keys:
            if self.available(key.parent):
                yield from self._foreign_key(key)
        for determinant, dependent in self.promises.functional_dependencies:
            yield self._packaged(
                "functional_dependency", determinant=self.names(determinant), dependent=self.names(dependent)
            )
        for promise in self.promises.rules:
            if all(self.available(name) for name in promise.tables):
                yield from self._rule(promise)
        yield from self._children_rules()
        if self.promises.history:
            yield from self._history(self.promises.history)
        for validity in self.promises.validity:
            if self.available(validity.history):
                yield from self._validity(validity)

    def _keys(self) -> Iterator[DataTest]:
        never_null = set(self._never_null())
        for columns in (self.promises.primary_key, *self.promises.unique):
            if len(columns) == 1:
                yield DataTest("unique", columns[0])
            elif len(columns) > 1 and never_null.issuperset(columns):
                # The test counts a null in the key as a violation, as a primary key does.
                yield self._packaged("composite_key", columns=self.names(columns))

    def _never_null(self) -> tuple[str, ...]:
        keys = (column for key in self.promises.foreign_keys if not key.nullable for column in key.columns)
        return tuple(dict.fromkeys((*self.promises.primary_key, *self.promises.not_null, *keys)))

    def _accepted_values(self, column: str, values: Sequence[Any]) -> DataTest:
        textual = self.table.column(column).data_type.kind not in (
            TypeKind.INTEGER,
            TypeKind.DECIMAL,
            TypeKind.FLOAT,
            TypeKind.BOOLEAN,
        )
        if textual:
            # dbt puts the values between quotes as they are.
            return DataTest(
                "accepted_values", column, {"values": [escaped(str(value), self.adapter) for value in values]}
            )
        return DataTest("accepted_values", column, {"values": list(values), "quote": False})

    def _foreign_key(self, key: ForeignKeyPromise) -> Iterator[DataTest]:
        parent = self.plan.table(key.parent)
        to, to_columns = SeedReference(parent.file), self._names(parent)(key.parent_columns)
        if len(key.columns) == 1:
            yield DataTest("relationships", key.columns[0], {"to": to, "field": to_columns[0]})
        else:
            yield self._packaged("composite_foreign_key", columns=self.names(key.columns), to=to, to_columns=to_columns)
        minimum, maximum = key.children.minimum, key.children.maximum
        if (minimum, maximum) == (0, 1) and len(key.columns) == 1:
            yield DataTest("unique", key.columns[0])
        elif minimum > 0 or maximum is not None:
            limits = {"min": minimum or None, "max": maximum}
            yield self._packaged(
                "fan_out",
                columns=self.names(key.columns),
                to=to,
                to_columns=to_columns,
                **{name: limit for name, limit in limits.items() if limit is not None},
            )

    def _rule(self, promise: RulePromise) -> Iterator[DataTest]:
        """The test of a business rule; none where no test says it, or its SQL may mean something else there."""
        key = promise.key
        match promise.rule:
            case rules.Row():
                if (judged := self._judged(promise.conditions["predicate"])) is not None:
                    yield self._packaged("row_holds", **judged)
            case rules.Proportion(min=least, max=most):
                if (judged := self._judged(promise.conditions["predicate"])) is not None:
                    bounds = {"min": least if least > 0 else None, "max": most if most < 1 else None}
                    yield self._packaged("row_share", **judged, **_given(bounds))
            case rules.Increasing(column=column, per=per, by=by):
                arguments = {"per": self.names(per), "by": self.names([by])[0]}
                yield DataTest("increasing", column, arguments, packaged=True)
            case rules.Depends(on=on, columns=columns):
                yield self._packaged("functional_dependency", determinant=self.names(on), dependent=self.names(columns))
            case rules.Concentration(share=share, of=of) if key:
                parent = self.plan.table(key.parent)
                to = {"to": SeedReference(parent.file), "to_columns": self._names(parent)(key.parent_columns)}
                yield self._packaged("concentration", columns=self.names(key.columns), **to, share=share, of=of)
            case rules.Unique(columns=columns) if set(columns) <= set(self._never_null()):
                yield self._packaged("composite_key", columns=self.names(columns))

    def _judged(self, condition: Condition) -> dict[str, Any] | None:
        """A predicate over a row and its parents, as arguments of a test; None where no test can say it."""
        spelled = {need: self.names([need])[0] for need in condition.needs}
        parents: dict[tuple[Step, ...], dict[str, Any]] = {}
        for read in condition.reads:
            spelled[read.path] = alias = re.sub(r"\W+", "__", read.path).lower()
            home = self.names
            for end in range(1, len(read.steps) + 1):
                step, way = read.steps[end - 1], read.steps[:end]
                parent = self.plan.table(step.parent)
                above = parents.get(way[:-1])
                joined = parents.setdefault(
                    way,
                    {
                        "name": f"parent_{len(parents) + 1}",
                        **({"via": above["name"]} if above else {}),
                        "columns": home(step.columns),
                        "to": SeedReference(parent.file),
                        "to_columns": self._names(parent)(step.parent_columns),
                        "reads": {},
                    },
                )
                home = self._names(parent)
            joined["reads"][alias] = home([read.column])[0]
        predicate = self._told(condition, spelled)
        # A parent that is only passed through has to be read too: the test joins what is read.
        if predicate is not None and all(parent["reads"] for parent in parents.values()):
            listed = {"parents": list(parents.values())} if parents else {}
            return {"predicate": predicate, **listed}
        return None

    def _told(self, condition: Condition, spelled: Mapping[str, str]) -> str | None:
        from seedbed.sinks.predicates import in_dialect  # noqa: PLC0415 - sqlglot takes long to load, and few plans need it

        return in_dialect(condition.sql, spelled, self.adapter)

    def _children_rules(self) -> Iterator[DataTest]:
        """How many rows of this table each row of another has, or their sum, by rules that stand at the other."""
        for parent in self.plan:
            if not self.available(parent.name):
                continue
            for promise in parent.promises.rules:
                rule, key = promise.rule, promise.key
                if not isinstance(rule, rules.Children | rules.SumOfChildren):
                    continue
                if rule.table != self.table.name or key is None:
                    continue
                names = self._names(parent)
                to = {"to": SeedReference(parent.file), "to_columns": names(key.parent_columns)}
                if isinstance(rule, rules.SumOfChildren):
                    if (bounds := self._bounds(promise, names)) is not None:
                        summed = self.names([rule.column])[0]
                        columns = self.names(key.columns)
                        yield self._packaged("sum_of_children", columns=columns, **to, summed=summed, **bounds)
                    continue
                arguments: dict[str, Any] = _given({"min": rule.min or None, "max": rule.max})
                when = promise.conditions.get("when")
                if when is not None:
                    told = self._told(when, {need: names([need])[0] for need in when.needs})
                    if when.reads or told is None:
                        continue
                    arguments["parent_condition"] = told
                yield self._packaged("fan_out", columns=self.names(key.columns), **to, **arguments)

    def _bounds(self, promise: RulePromise, names: Callable[[Sequence[str]], list[str]]) -> dict[str, str] | None:
        """What a sum is held against, in SQL over the parent's row; None where no test can say it."""
        bounds: dict[str, str] = {}
        for argument, condition in promise.conditions.items():
            told = self._told(condition, {need: names([need])[0] for need in condition.needs})
            if condition.reads or told is None:
                return None
            bounds[argument] = told
        return bounds

    def _history(self, history: HistoryPromise) -> Iterator[DataTest]:
        entity = self.names(history.entity)
        state, valid_from = self.names([history.state, history.valid_from])
        walk = {"entity": entity, "state": state, "order_by": valid_from}
        current = self._current(history)
        sentinel = {} if history.open_end is None else {"sentinel": history.open_end}
        moves = {before: list(after) for before, after in history.allowed.items()}
        if any(moves.values()):
            yield self._packaged("accepted_transitions", **walk, transitions=moves)
        yield self._packaged("initial_states", **walk, states=list(history.initial))
        if history.terminal:
            yield self._packaged("terminal_states", **walk, states=list(history.terminal))
        if not history.revisit:
            yield self._packaged("composite_key", columns=[*entity, state])
        yield self._packaged("composite_key", columns=[*entity, valid_from])
        if history.version:
            yield self._packaged("composite_key", columns=[*entity, *self.names([history.version])])
        if history.valid_to:
            (valid_to,) = self.names([history.valid_to])
            span = {"entity": entity, "valid_from": valid_from, "valid_to": valid_to, **sentinel}
            yield self._packaged("contiguous_validity", **span, **({"current": current} if current else {}))
            if not current:
                yield self._packaged("single_current_version", entity=entity, valid_to=valid_to, **sentinel)
        if current:
            yield self._packaged("single_current_version", entity=entity, current=current)
        yield DataTest("not_after", history.valid_from, {"moment": history.as_of}, packaged=True)

    def _current(self, history: HistoryPromise) -> str | None:
        """The condition under which a version is the current one, when a column says so."""
        if history.current is None:
            return None
        (name,) = self.names([history.current])
        kind = self.table.column(history.current).data_type.kind
        if kind is TypeKind.BOOLEAN:
            return name
        return f"{name} = 1" if kind in (TypeKind.INTEGER, TypeKind.DECIMAL) else None

    def _validity(self, validity: ValidityPromise) -> Iterator[DataTest]:
        parent = self.plan.table(validity.history)
        history = parent.promises.history
        if history is None or history.valid_to is None:
            return
        names = self._names(parent)
        (at,) = self.names([validity.at])
        valid_from, valid_to = names([history.valid_from, history.valid_to])
        by_key = [table.column(column).data_type.kind is TypeKind.INTEGER
                  for table, column in ((self.table, validity.at), (parent, history.valid_from))]  # fmt: skip
        if by_key[0] != by_key[1]:
            return  # No SQL that all warehouses know compares a moment with the key of a day; `seedbed check` does.
        yield self._packaged(
            "within_validity",
            columns=self.names(validity.entity),
            at=at,
            to=SeedReference(parent.file),
            to_columns=names(history.entity),
            valid_from=valid_from,
            valid_to=valid_to,
            **({} if history.open_end is None else {"sentinel": history.open_end}),
        )

    def _names(self, table: ResolvedTable) -> Callable[[Sequence[str]], list[str]]:
        spell = column_quoter(table, self.adapter)
        return lambda columns: [spell(column) for column in columns]

    def _packaged(self, name: str, **arguments: Any) -> DataTest:
        return DataTest(name, None, arguments, packaged=True)


def _map_texts(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, SeedReference):
        return str(value)
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {_map_texts(key, change): _map_texts(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_map_texts(item, change) for item in value]
    return value


def _jinja_literal(value: Any) -> str:
    """A value as Jinja spells it. Jinja reads a text's escapes as Python does, and JSON's are among those."""
    if isinstance(value, SeedReference):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_jinja_literal(key)}: {_jinja_literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_jinja_literal, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return json.dumps(str(value))


def _given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}
