from __future__ import annotations

from pathlib import Path
from textwrap import indent

import pytest
from dbt_projects import column_of, only, read, table_of

from seedbed.errors import Diagnostic, Severity
from seedbed.parsers.data_tests import KINDS
from seedbed.schema import Cardinality, Range, Schema, TypeKind

ROOT = Path(__file__).parents[3]


def column_test(tmp_path: Path, tests: str, data_type: str = "") -> tuple[Schema, list[Diagnostic]]:
    """A table t with a column c that has these tests, and tables to refer to."""
    typed = f"\n        data_type: {data_type}" if data_type else ""
    text = (
        "models:\n  - name: parent\n    columns: [{name: id}]\n"
        "  - name: t\n    columns:\n      - name: d\n      - name: c"
        + typed
        + "\n        data_tests:\n"
        + indent(tests, " " * 10)
        + "\n"
    )
    return read(tmp_path, {"models/a.yml": text})


def table_test(tmp_path: Path, tests: str) -> tuple[Schema, list[Diagnostic]]:
    """A table t with columns a, b, c and these tests on the table."""
    text = (
        "models:\n  - {name: parent, columns: [{name: x}, {name: y}]}\n"
        "  - name: t\n    columns: [{name: a}, {name: b}, {name: c}]\n    data_tests:\n" + indent(tests, " " * 6) + "\n"
    )
    return read(tmp_path, {"models/a.yml": text})


@pytest.mark.parametrize(
    "tests",
    [
        "- unique\n- not_null",
        "- unique: {}\n- not_null:",
        "- {name: mine, test_name: unique}\n- test_name: not_null",
        "- dbt_expectations.expect_column_values_to_be_unique\n- dbt_expectations.expect_column_values_to_not_be_null",
        "- unique: {config: {severity: error}}\n- not_null: {severity: ERROR}",
    ],
)
def test_unique_and_not_null(tmp_path: Path, tests: str) -> None:
    schema, diagnostics = column_test(tmp_path, tests)
    column = column_of(schema, "t", "c")
    assert column.unique is not None
    assert column.not_null is not None
    assert column.not_null.origin.file == "models/a.yml"
    assert [key.value for key in table_of(schema, "t").unique_keys] == [("c",)]
    assert diagnostics == []


@pytest.mark.parametrize(
    ("tests", "data_type", "values"),
    [
        ("- accepted_values: {values: [a, b, a]}", "", ("a", "b")),
        ("- accepted_values: {values: ['1', '2'], quote: false}", "", (1, 2)),
        ("- accepted_values: {values: [1, 2.5, null]}", "", (1, 2.5)),
        ("- accepted_values: {values: ['1', '2']}", "integer", (1, 2)),
        ("- accepted_values: {values: [1, 2]}", "text", ("1", "2")),
        ("- accepted_values: {values: ['true', 'false']}", "boolean", (True, False)),
        ("- accepted_values: {values: [2024-01-31]}", "date", ("2024-01-31",)),
        ("- accepted_values: {values: [a, b]}\n- accepted_values: {values: [b, c]}", "", ("b",)),
        ("- dbt_expectations.expect_column_values_to_be_in_set: {value_set: [x]}", "", ("x",)),
    ],
)
def test_accepted_values(tmp_path: Path, tests: str, data_type: str, values: tuple[object, ...]) -> None:
    schema, diagnostics = column_test(tmp_path, tests, data_type)
    fact = column_of(schema, "t", "c").accepted_values
    assert fact is not None
    assert fact.value == values
    assert [type(value) for value in fact.value] == [type(value) for value in values]
    assert diagnostics == []


def test_accepted_values_that_exclude_each_other_name_both_places(tmp_path: Path) -> None:
    _, diagnostics = column_test(tmp_path, "- accepted_values: {values: [a]}\n- accepted_values: {values: [b]}")
    assert "models/a.yml:9" in only(diagnostics, "contradiction").message


@pytest.mark.parametrize(
    ("arguments", "expected", "checks"),
    [
        ("{min_value: 0, max_value: 10}", Range(0, 10), []),
        ("{min_value: 0}", Range(0, None), []),
        ("{max_value: '1.5', inclusive: false}", Range(None, 1.5, False, False), []),
        ("{min_value: \"'2024-01-01'\"}", Range("2024-01-01", None), []),
        ("{min_value: 2024-01-01}", Range("2024-01-01", None), []),
        ("{min_value: \"cast('2024-01-01' as date)\"}", Range("2024-01-01", None), []),
        ("{min_value: \"'2024-01-01'::date\"}", Range("2024-01-01", None), []),
        ("{min_value: d}", None, ["c >= d"]),
        (
            "{min_value: 1, max_value: current_date, inclusive: false}",
            Range(1, None, False, False),
            ["c < current_date"],
        ),
    ],
)
def test_accepted_range(tmp_path: Path, arguments: str, expected: Range | None, checks: list[str]) -> None:
    schema, diagnostics = column_test(tmp_path, f"- dbt_utils.accepted_range: {arguments}")
    fact = column_of(schema, "t", "c").value_range
    assert (fact.value if fact else None) == expected
    assert [check.value for check in table_of(schema, "t").checks] == checks
    assert diagnostics == []


def test_two_ranges_hold_both(tmp_path: Path) -> None:
    schema, _ = column_test(
        tmp_path,
        "- dbt_utils.accepted_range: {min_value: 0, max_value: 10}\n"
        "- dbt_expectations.expect_column_values_to_be_between: {min_value: 2, max_value: 20, strictly: true}",
    )
    fact = column_of(schema, "t", "c").value_range
    assert fact is not None
    assert fact.value == Range(2, 10, False, True)


def test_strings_and_types(tmp_path: Path) -> None:
    schema, diagnostics = column_test(
        tmp_path,
        "- dbt_expectations.expect_column_values_to_match_regex: {regex: '^a+$'}\n"
        "- dbt_expectations.expect_column_value_lengths_to_be_between: {min_value: 2, max_value: 5}\n"
        "- dbt_expectations.expect_column_values_to_be_of_type: {column_type: varchar}",
    )
    column = column_of(schema, "t", "c")
    assert column.matches is not None
    assert column.matches.value == "^a+$"
    assert column.data_type is not None
    assert column.data_type.value.kind is TypeKind.TEXT
    assert [check.value for check in table_of(schema, "t").checks] == ["length(c) >= 2", "length(c) <= 5"]
    assert diagnostics == []


def test_tests_of_tables(tmp_path: Path) -> None:
    schema, diagnostics = table_test(
        tmp_path,
        "- dbt_utils.unique_combination_of_columns: {combination_of_columns: [a, b]}\n"
        "- dbt_expectations.expect_compound_columns_to_be_unique: {column_list: [B, A]}\n"
        "- seedbed.composite_key: {columns: [b, c]}\n"
        "- dbt_utils.expression_is_true: {expression: a < b}\n"
        "- dbt_expectations.expect_column_pair_values_to_be_equal: {column_A: a, column_B: c}\n"
        "- seedbed.fan_out: {columns: [a, b], to: ref('parent'), to_columns: [x, y], min: 1, max: 3}\n"
        "- seedbed.composite_foreign_key: {columns: [a, b], to: ref('parent'), to_columns: [x, y]}",
    )
    table = table_of(schema, "t")
    assert [key.value for key in table.unique_keys] == [("a", "b"), ("b", "c")]
    assert [column.name for column in table.columns if column.not_null] == ["b", "c"]
    assert [check.value for check in table.checks] == ["a < b", "a = c"]
    [key] = table.foreign_keys
    assert (key.columns, key.parent, key.parent_columns) == (("a", "b"), "parent", ("x", "y"))
    assert key.children == Cardinality(1, 3)
    assert table.data_tests == ()
    assert ("seedbed.composite_key", None) in table.declared_tests
    assert diagnostics == []


def test_composite_foreign_key_has_the_same_columns_on_both_sides_unless_said(tmp_path: Path) -> None:
    schema, diagnostics = read(
        tmp_path,
        {
            "models/a.yml": """
            models:
              - {name: p, columns: [{name: a}, {name: b}]}
              - name: t
                columns: [{name: a}, {name: b}]
                data_tests: [{seedbed.composite_foreign_key: {arguments: {columns: [a, b], to: ref('p')}}}]
            """
        },
    )
    assert table_of(schema, "t").foreign_keys[0].parent_columns == ("a", "b")
    assert diagnostics == []


@pytest.mark.parametrize(
    "condition",
    [
        "{where: c > 1}",
        "{config: {where: c > 1}}",
        "{severity: warn}",
        "{config: {severity: WARN}}",
        "{config: {error_if: '>10'}}",
        "{config: {warn_if: '>10'}}",
        "{config: {limit: 1}}",
    ],
)
def test_a_conditional_test_is_a_hint_and_no_fact(tmp_path: Path, condition: str) -> None:
    schema, diagnostics = column_test(tmp_path, f"- unique: {condition}")
    assert column_of(schema, "t", "c").unique is None
    [hint] = table_of(schema, "t").data_tests
    assert (hint.name, hint.column, hint.conditional) == ("unique", "c", True)
    assert only(diagnostics, "conditional-test").severity is Severity.NOTE
    assert ("unique", "c") in table_of(schema, "t").declared_tests


def test_row_conditions_of_dbt_expectations_are_conditions(tmp_path: Path) -> None:
    schema, _ = table_test(
        tmp_path,
        "- dbt_expectations.expect_compound_columns_to_be_unique: {column_list: [a, b], row_condition: c = 1}",
    )
    assert table_of(schema, "t").unique_keys == ()


def test_a_conditional_relationship_is_still_a_foreign_key(tmp_path: Path) -> None:
    schema, _ = column_test(
        tmp_path, "- relationships: {config: {where: c > 0}, arguments: {to: ref('parent'), field: id}}"
    )
    assert [key.parent for key in table_of(schema, "t").foreign_keys] == ["parent"]


def test_a_disabled_test_says_nothing(tmp_path: Path) -> None:
    schema, diagnostics = column_test(tmp_path, "- unique: {config: {enabled: false}}")
    table = table_of(schema, "t")
    assert (table.unique_keys, table.data_tests, table.declared_tests, diagnostics) == ((), (), frozenset(), [])


def test_unknown_test_is_a_note_with_its_place(tmp_path: Path) -> None:
    _, diagnostics = column_test(tmp_path, "- not_nul")
    found = only(diagnostics, "unknown-test")
    assert (found.severity, found.location.line, found.hint) == (Severity.NOTE, 9, "did you mean not_null?")


@pytest.mark.parametrize(
    "test",
    [
        "dbt_utils.not_constant",
        "dbt_utils.not_empty_string",
        "dbt_utils.not_null_proportion: {at_least: 0.5}",
        "dbt_utils.cardinality_equality: {to: ref('parent'), field: id}",
        "dbt_utils.sequential_values: {interval: 1}",
        "dbt_utils.at_least_one",
        "seedbed.not_after: {moment: \"'2026-01-01'\"}",
    ],
)
def test_what_no_fact_can_hold_is_kept_for_authors(tmp_path: Path, test: str) -> None:
    schema, diagnostics = column_test(tmp_path, f"- {test}")
    [hint] = table_of(schema, "t").data_tests
    assert (hint.name, hint.column, hint.conditional) == (test.split(":")[0], "c", False)
    assert diagnostics == []


def test_arguments_are_plain_data(tmp_path: Path) -> None:
    schema, _ = column_test(tmp_path, "- dbt_utils.cardinality_equality: {to: ref('parent'), field: id}")
    [hint] = table_of(schema, "t").data_tests
    assert hint.arguments.value == {"to": "ref('parent')", "field": "id"}
    assert hint.arguments.location("field").line == 9


@pytest.mark.parametrize(
    ("test", "code"),
    [
        ("- unique:\n  config: {where: x}", "test-form"),
        ("- 3", "test-form"),
        ("- {}", "test-form"),
        ("- unique: yes please", "test-form"),
        ("- accepted_values: {values: a}", "test-argument"),
        ("- accepted_values", "test-argument"),
        ("- relationships: {to: ref('parent')}", "test-argument"),
        ("- dbt_utils.accepted_range: {}", "test-argument"),
        ("- dbt_utils.unique_combination_of_columns: {combination_of_columns: {a: 1}}", "test-argument"),
        ("- seedbed.fan_out: {to: ref('parent'), max: lots}", "test-argument"),
        ("- relationships: {to: ref('parent'), feild: id, field: id}", "unknown-test-argument"),
    ],
)
def test_bad_tests_are_told_at_their_line(tmp_path: Path, test: str, code: str) -> None:
    _, diagnostics = column_test(tmp_path, test)
    assert only(diagnostics, code).location.line == 9


def test_a_test_of_an_expression_is_kept(tmp_path: Path) -> None:
    schema, diagnostics = table_test(tmp_path, "- unique: {column_name: a || b}\n- not_null: {column_name: c}")
    table = table_of(schema, "t")
    assert [(hint.name, hint.arguments.value) for hint in table.data_tests] == [("unique", {"column_name": "a || b"})]
    assert column_of(schema, "t", "c").not_null is not None
    assert only(diagnostics, "test-without-column").severity is Severity.NOTE


def test_the_tests_of_the_dbt_package_are_all_known() -> None:
    macros = {path.stem for path in (ROOT / "macros" / "generic_tests").glob("*.sql")}
    assert {f"seedbed.{name}" for name in macros} <= set(KINDS)
