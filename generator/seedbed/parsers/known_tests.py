"""The data tests that Seedbed knows: what each says of a table, as facts."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from seedbed.documents import Document
from seedbed.errors import Diagnostic, Location, Severity
from seedbed.parsers.drafts import ColumnDraft, KeyDraft, TableDraft, set_data_type
from seedbed.parsers.jinja import Reference
from seedbed.parsers.project import words
from seedbed.schema import Cardinality, Fact, Range, Scalar, parse_data_type


@dataclass(slots=True)
class TestCall:
    """One data test as written in a property file, its arguments rendered."""

    __test__ = False  # not a pytest class

    name: str
    table: TableDraft
    column: ColumnDraft | None
    arguments: Document
    diagnostics: list[Diagnostic]
    condition: str | None = None
    """The key that makes the test speak of some rows only, if any."""

    @property
    def origin(self) -> Location:
        return self.arguments.location()

    def argument(self, *names: str) -> Any:
        """The first of the arguments that is given."""
        return next((self.arguments.value[name] for name in names if self.arguments.value.get(name) is not None), None)

    def names(self, *arguments: str) -> tuple[str, ...] | None:
        """An argument that lists columns, or None with a diagnostic."""
        value = self.argument(*arguments)
        listed = [value] if isinstance(value, str) else value
        if isinstance(listed, list) and listed and all(isinstance(name, str | int) for name in listed):
            return tuple(str(name).strip('"`') for name in listed)
        self.report("test-argument", f"{self.name} needs {arguments[0]}, a list of columns; it has {value!r}")
        return None

    def report(self, code: str, message: str, severity: Severity = Severity.WARNING, hint: str | None = None) -> None:
        """A problem at the test's place."""
        self.diagnostics.append(Diagnostic(code, message, self.origin, severity, hint))


Apply = Callable[[TestCall], bool]
"""Turns a test into facts; True when they hold all that the test says."""


@dataclass(frozen=True, slots=True)
class Kind:
    parameters: frozenset[str]
    apply: Apply | None = None
    needs_column: bool = False
    conditional: bool = False
    """Makes a fact even where the test is conditional."""


def _column(call: TestCall) -> ColumnDraft:
    assert call.column is not None  # `needs_column` was checked
    return call.column


def _unique(call: TestCall) -> bool:
    column = _column(call)
    column.unique = column.unique or Fact(True, call.origin)
    return True


def _not_null(call: TestCall) -> bool:
    column = _column(call)
    column.not_null = column.not_null or Fact(True, call.origin)
    return True


def _accepted_values(call: TestCall) -> bool:
    column, listed = _column(call), call.argument("values", "value_set")
    if not isinstance(listed, list):
        call.report("test-argument", f"{call.name} needs a list of values; it has {listed!r}")
        return False
    unquoted = call.argument("quote", "quote_values") is False
    values: list[Scalar] = []
    for value in listed:
        scalar = _scalar(value, unquoted)
        if scalar is not None:
            values.append(scalar)
        elif value is not None:
            call.report("test-argument", f"{call.name}: {value!r} is no single value")
    before = column.accepted_values
    if before is not None:
        both = tuple(value for value in before.value if value in values)
        if not both:
            call.report(
                "contradiction",
                f"no value of {call.table.name}.{column.name} is accepted both here and in {before.origin.short}",
                hint="let the two tests share values",
            )
            return True
        values = list(both)
    if values:
        column.accepted_values = Fact(tuple(dict.fromkeys(values)), before.origin if before else call.origin)
    return True


def _scalar(value: Any, unquoted: bool) -> Scalar | None:
    if isinstance(value, datetime.date):
        return value.isoformat(" ") if isinstance(value, datetime.datetime) else value.isoformat()
    if isinstance(value, str) and unquoted:
        bare = value.strip()
        if re.fullmatch(r"[-+]?\d{1,18}", bare):
            return int(bare)
        if re.fullmatch(r"[-+]?\d*\.\d+", bare):
            return float(bare)
        if bare.lower() in ("true", "false"):
            return bare.lower() == "true"
        return bare.strip("'")
    return value if isinstance(value, str | int | float | bool) else None


def _relationships(call: TestCall) -> bool:
    to, field = call.argument("to"), call.argument("field")
    if not isinstance(to, Reference | str) or not isinstance(field, str | int):
        call.report("test-argument", f"{call.name} needs to: ref('table') and field: column", hint=None)
        return False
    call.table.keys.append(KeyDraft((_column(call).name,), to, (str(field).strip('"`'),), call.origin))
    return call.name == "relationships"


def _unique_combination(call: TestCall) -> bool:
    columns = call.names("combination_of_columns", "column_list", "columns")
    if columns:
        call.table.add_unique_key(columns, call.origin)
    if columns and call.name == "seedbed.composite_key":
        call.table.never_null.append(Fact(columns, call.origin))
    return True


def _composite_foreign_key(call: TestCall) -> bool:
    to = call.argument("to")
    columns = call.names("columns")
    parents = call.names("to_columns") if call.argument("to_columns") is not None else columns
    if columns and parents and isinstance(to, Reference | str) and len(columns) == len(parents):
        call.table.keys.append(KeyDraft(columns, to, parents, call.origin))
    elif columns and parents:
        call.report("test-argument", f"{call.name} needs to: ref('table') and as many to_columns as columns")
    return True


def _constraint_columns(call: TestCall) -> tuple[str, ...] | None:
    """The columns of a test of dbt_constraints: those that it lists, else the one that it stands on."""
    listed = call.argument("column_names", "fk_column_names", "fk_column_name")
    if listed is None and call.column is not None:
        return (call.column.name,)
    return call.names("column_names", "fk_column_names", "fk_column_name")


def _primary_key(call: TestCall) -> bool:
    columns = _constraint_columns(call)
    if columns:
        call.table.set_primary_key(columns, call.origin, call.diagnostics)
    return True


def _unique_key(call: TestCall) -> bool:
    columns = _constraint_columns(call)
    if columns:
        call.table.add_unique_key(columns, call.origin)
    return True


def _foreign_key(call: TestCall) -> bool:
    columns, to = _constraint_columns(call), call.argument("pk_table_name")
    parents = call.names("pk_column_names", "pk_column_name")
    if columns and parents and isinstance(to, Reference | str) and len(columns) == len(parents):
        call.table.keys.append(KeyDraft(columns, to, parents, call.origin))
    elif columns and parents:
        call.report(
            "test-argument", f"{call.name} needs pk_table_name: ref('table') and as many pk_column_names as columns"
        )
    return True


def _fan_out(call: TestCall) -> bool:
    to, least, most = call.argument("to"), call.argument("min"), call.argument("max")
    if call.argument("parent_condition") is not None:
        least = most = None  # They bind some parents only.
    columns = (call.column.name,) if call.column else call.names("columns")
    if (
        columns is None
        or not isinstance(to, Reference | str)
        or not all(bound is None or type(bound) is int for bound in (least, most))
    ):
        call.report(
            "test-argument", "seedbed.fan_out needs columns, to: ref('table'), and whole numbers as min and max"
        )
        return False
    parents = call.names("to_columns", "field") if call.argument("to_columns", "field") is not None else columns
    call.table.keys.append(KeyDraft(columns, to, parents, call.origin, children=Cardinality(least or 0, most)))
    return True


_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_DATE = re.compile(
    r"(?:(?:date|timestamp|datetime|cast|to_date|to_timestamp)\s*\(?\s*)?'(\d{4}-\d\d-\d\d[^']*)'"
    r"(?:\s+as\s+\w+)?\s*\)?(?:\s*::\s*\w+)?",
    re.IGNORECASE,
)


def _bound(value: Any) -> Scalar | None:
    """A bound that is a value; None when it is an SQL expression (or not given)."""
    if isinstance(value, str):
        bare = value.strip()
        if _NUMBER.fullmatch(bare):
            return float(bare) if re.search(r"[.eE]", bare) else int(bare)
        dated = _DATE.fullmatch(bare)
        if dated:
            return dated[1]
        return bare if re.fullmatch(r"\d{4}-\d\d-\d\d(?:[ T][\d:.]+)?", bare) else None
    return _scalar(value, False)


def _range(call: TestCall) -> bool:
    column = _column(call)
    inclusive = call.argument("inclusive") is not False and call.argument("strictly") is not True
    given = call.argument("min_value"), call.argument("max_value")
    if given == (None, None):
        call.report("test-argument", f"{call.name} needs min_value or max_value")
        return False
    minimum, maximum = _bound(given[0]), _bound(given[1])
    for value, bound, sign in ((given[0], minimum, ">"), (given[1], maximum, "<")):
        if value is not None and bound is None:
            call.table.checks.append(Fact(f"{column.sql} {sign}{'=' if inclusive else ''} {value}", call.origin))
    if minimum is not None or maximum is not None:
        now = Range(minimum, maximum, inclusive, inclusive)
        before = column.value_range
        column.value_range = Fact(_both(before.value, now), before.origin) if before else Fact(now, call.origin)
    return True


def _both(one: Range, other: Range) -> Range:
    """The values that lie in both ranges; bounds that cannot be compared stay the first's."""

    def tighter(first: Scalar | None, second: Scalar | None, larger: bool) -> bool:
        if first is None or second is None:
            return first is None
        try:
            return (second > first) is larger and second != first  # type: ignore[operator]
        except TypeError:
            return False

    low = other if tighter(one.minimum, other.minimum, True) else one
    high = other if tighter(one.maximum, other.maximum, False) else one
    return Range(low.minimum, high.maximum, low.minimum_included, high.maximum_included)


def _matches(call: TestCall) -> bool:
    pattern = call.argument("regex")
    if not isinstance(pattern, str):
        call.report("test-argument", f"{call.name} needs regex: a regular expression")
        return False
    column = _column(call)
    if column.matches is not None and column.matches.value != pattern:
        return False
    column.matches = column.matches or Fact(pattern, call.origin)
    return call.argument("flags") is None


def _expression(call: TestCall) -> bool:
    expression = call.argument("expression")
    if not isinstance(expression, str | bool | int):
        call.report("test-argument", f"{call.name} needs expression: an SQL condition")
        return False
    text = str(expression)
    call.table.checks.append(Fact(f"{call.column.sql} {text}" if call.column else text, call.origin))
    return True


def _lengths(call: TestCall) -> bool:
    length = f"length({_column(call).sql})"
    exact = call.argument("value")
    strict = call.argument("strictly") is True
    parts = [
        f"{length} {sign} {bound}"
        for sign, bound in (
            ("=", exact),
            (">" if strict else ">=", call.argument("min_value")),
            ("<" if strict else "<=", call.argument("max_value")),
        )
        if isinstance(bound, int)
    ]
    for part in parts:
        call.table.checks.append(Fact(part, call.origin))
    return bool(parts)


def _of_type(call: TestCall) -> bool:
    named = call.argument("column_type", "column_type_list")
    for text in named if isinstance(named, list) else [named]:
        data_type = parse_data_type(str(text))
        if data_type is not None:
            if not isinstance(named, list) or _column(call).data_type is None:
                set_data_type(call.table, _column(call), data_type, call.origin, call.diagnostics)
            return True
    return False


def _pair(sign: str) -> Apply:
    def apply(call: TestCall) -> bool:
        first, second = call.argument("column_A"), call.argument("column_B")
        if not (isinstance(first, str) and isinstance(second, str)):
            call.report("test-argument", f"{call.name} needs column_A and column_B")
            return False
        equal = "=" if sign == ">" and call.argument("or_equal") is True else ""
        call.table.checks.append(Fact(f"{first} {sign}{equal} {second}", call.origin))
        return True

    return apply


def _kinds() -> dict[str, Kind]:
    def kind(parameters: str, apply: Apply | None = None, *, column: bool = False, conditional: bool = False) -> Kind:
        return Kind(words(parameters), apply, column, conditional)

    grouped = "group_by_columns"
    expected = "row_condition"
    kinds = {
        "unique": kind("", _unique, column=True),
        "not_null": kind("", _not_null, column=True),
        "accepted_values": kind("values quote", _accepted_values, column=True),
        "relationships": kind("to field", _relationships, column=True, conditional=True),
    }
    utils = {
        "unique_combination_of_columns": kind("combination_of_columns quote_columns", _unique_combination),
        "accepted_range": kind("min_value max_value inclusive", _range, column=True),
        "expression_is_true": kind("expression condition", _expression),
        "relationships_where": kind(
            "to field from_condition to_condition", _relationships, column=True, conditional=True
        ),
        "not_null_where": kind(""),
        "unique_where": kind(""),
        "not_accepted_values": kind("values quote"),
        "not_constant": kind(grouped),
        "not_empty_string": kind("trim_whitespace"),
        "not_null_proportion": kind(f"at_least at_most {grouped}"),
        "at_least_one": kind(grouped),
        "cardinality_equality": kind("field to"),
        "sequential_values": kind(f"interval datepart {grouped}"),
        "mutually_exclusive_ranges": kind(
            "lower_bound_column upper_bound_column partition_by gaps zero_length_range_allowed"
        ),
        "equal_rowcount": kind(f"compare_model {grouped}"),
        "fewer_rows_than": kind(f"compare_model {grouped}"),
        "equality": kind("compare_model compare_columns exclude_columns precision"),
        "recency": kind(f"datepart field interval ignore_time_component {grouped}"),
    }
    kinds |= {f"dbt_utils.{name}": entry for name, entry in utils.items()}
    bounds = f"min_value max_value strictly {expected}"
    expectations = {
        "expect_column_values_to_be_in_set": kind(f"value_set quote_values {expected}", _accepted_values, column=True),
        "expect_column_distinct_values_to_be_in_set": kind(
            f"value_set quote_values {expected}", _accepted_values, column=True
        ),
        "expect_column_distinct_values_to_equal_set": kind(
            f"value_set quote_values {expected}", _accepted_values, column=True
        ),
        "expect_column_distinct_values_to_contain_set": kind(f"value_set quote_values {expected}"),
        "expect_column_values_to_not_be_in_set": kind(f"value_set quote_values {expected}"),
        "expect_column_values_to_be_between": kind(f"{bounds} group_by", _range, column=True),
        "expect_column_values_to_match_regex": kind(f"regex is_raw flags {expected}", _matches, column=True),
        "expect_column_values_to_not_match_regex": kind(f"regex is_raw flags {expected}"),
        "expect_column_values_to_match_regex_list": kind(f"regex_list match_on is_raw flags {expected}"),
        "expect_column_values_to_match_like_pattern": kind(f"like_pattern {expected}"),
        "expect_column_values_to_be_unique": kind(expected, _unique, column=True),
        "expect_column_values_to_not_be_null": kind(expected, _not_null, column=True),
        "expect_column_values_to_be_null": kind(expected),
        "expect_compound_columns_to_be_unique": kind(
            f"column_list quote_columns ignore_row_if {expected}", _unique_combination
        ),
        "expect_column_value_lengths_to_be_between": kind(bounds, _lengths, column=True),
        "expect_column_value_lengths_to_equal": kind(f"value {expected}", _lengths, column=True),
        "expect_column_values_to_be_of_type": kind("column_type", _of_type, column=True),
        "expect_column_values_to_be_in_type_list": kind("column_type_list", _of_type, column=True),
        "expect_column_to_exist": kind("column_index transform"),
        "expression_is_true": kind(f"expression test_condition {grouped} {expected}", _expression),
        "expect_column_pair_values_A_to_be_greater_than_B": kind(f"column_A column_B or_equal {expected}", _pair(">")),
        "expect_column_pair_values_to_be_equal": kind(f"column_A column_B {expected}", _pair("=")),
        "expect_column_values_to_be_increasing": kind(f"sort_column strictly step group_by {expected}"),
        "expect_column_values_to_be_decreasing": kind(f"sort_column strictly step group_by {expected}"),
        "expect_column_unique_value_count_to_be_between": kind(f"{bounds} group_by"),
        "expect_column_min_to_be_between": kind(f"{bounds} group_by"),
        "expect_column_max_to_be_between": kind(f"{bounds} group_by"),
        "expect_column_mean_to_be_between": kind(f"{bounds} group_by"),
        "expect_column_median_to_be_between": kind(f"{bounds} group_by"),
        "expect_column_stdev_to_be_between": kind(f"{bounds} group_by"),
        "expect_column_sum_to_be_between": kind(f"{bounds} group_by"),
        "expect_column_proportion_of_unique_values_to_be_between": kind(f"{bounds} group_by"),
        "expect_table_row_count_to_be_between": kind(f"{bounds} group_by"),
        "expect_table_row_count_to_equal": kind(f"value group_by {expected}"),
        "expect_table_column_count_to_equal": kind("value"),
        "expect_table_columns_to_contain_set": kind("column_list transform"),
        "expect_table_columns_to_match_set": kind("column_list transform"),
        "expect_table_columns_to_match_ordered_list": kind("column_list transform"),
        "expect_select_column_values_to_be_unique_within_record": kind("column_list quote_columns ignore_row_if"),
        "expect_multicolumn_sum_to_equal": kind("column_list sum_total group_by"),
        "expect_row_values_to_have_recent_data": kind(f"datepart interval {expected}"),
    }
    kinds |= {f"dbt_expectations.{name}": entry for name, entry in expectations.items()}
    named = "column_names quote_columns constraint_name"
    constraints = {
        "primary_key": kind(named, _primary_key),
        "unique_key": kind(named, _unique_key),
        "foreign_key": kind(
            f"fk_column_name fk_column_names pk_table_name pk_column_name pk_column_names {named}",
            _foreign_key,
            conditional=True,
        ),
    }
    kinds |= {f"dbt_constraints.{name}": entry for name, entry in constraints.items()}
    child = "columns to field to_columns"
    version = "valid_from valid_to current sentinel"
    own = {
        "composite_key": kind("columns", _unique_combination),
        "composite_foreign_key": kind("columns to to_columns", _composite_foreign_key, conditional=True),
        "fan_out": kind(f"{child} min max parent_condition", _fan_out),
        "functional_dependency": kind("determinant dependent"),
        "contiguous_validity": kind(f"entity {version}"),
        "single_current_version": kind("entity current valid_to sentinel"),
        "accepted_transitions": kind("entity state order_by transitions"),
        "initial_states": kind("entity state order_by states"),
        "terminal_states": kind("entity state order_by states"),
        "transition_rates": kind("entity state order_by transitions revisit alpha"),
        "within_validity": kind(f"{child} at {version}"),
        "not_after": kind("moment"),
        "row_holds": kind("predicate parents"),
        "concentration": kind(f"{child} share of"),
        "row_share": kind("predicate min max parents"),
        "increasing": kind("per by"),
        "sum_of_children": kind(f"{child} summed at_most at_least equals"),
    }
    return kinds | {f"seedbed.{name}": entry for name, entry in own.items()}


KINDS: Mapping[str, Kind] = _kinds()
"""The data tests that Seedbed knows, by the name that a property file uses."""
