from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from dbt_projects import column_of, only, read, table_of

from seedbed.errors import Severity
from seedbed.schema import TypeKind

CASES = Path(__file__).parents[2] / "cases" / "projects"

# Keys below these are the project's own, or Seedbed's to validate elsewhere.
FREE = {"meta", "config", "freshness", "quoting", "external", "docs", "column_types", "transitions", "loaded_at_query"}
VALID = [
    "contracts/models/contracts.yml",
    "expectations/models/tests.yml",
    "fivetran_style/models/src_zendesk.yml",
    "jaffle_shop/models/staging/__sources.yml",
    "legacy/sql/schema.yml",
    "modern/models/modern.yml",
    "seeds/models/src.yml",
]
NOT_READ = {"semantic_models", "groups", "saved_queries", "functions"}


def _inject(value: Any, planted: list[str], in_tests: bool = False) -> Any:
    """The value with a key that nobody knows in every mapping whose keys have a meaning."""
    if isinstance(value, list):
        return [_inject(part, planted, in_tests) for part in value]
    if not isinstance(value, dict) or value.get("config") == {"enabled": False}:
        return value
    result = {
        key: part if key in FREE | NOT_READ else _inject(part, planted, key in ("tests", "data_tests"))
        for key, part in value.items()
    }
    # The mapping that names a test has one key; a second is another error. A rule for included columns has no names.
    if not in_tests and "include" not in value and "arguments" not in value:
        planted.append(f"planted_{len(planted)}")
        result[planted[-1]] = "x"
    return result


@pytest.mark.parametrize("name", VALID)
def test_no_key_is_passed_over_in_silence(name: str, tmp_path: Path) -> None:
    """P1: whatever key is added anywhere, something is said of it, at its line."""
    planted: list[str] = []
    document = _inject(yaml.safe_load((CASES / name).read_text(encoding="utf-8")), planted)
    assert len(planted) > 5
    text = yaml.safe_dump(document, sort_keys=False)
    _, diagnostics = read(tmp_path, {"models/a.yml": text})
    unknown = {"unknown-key", "unknown-test-argument"}
    lines = {found.location.line for found in diagnostics if found.code in unknown or found.code == "unknown-test"}
    told = " ".join(found.message for found in diagnostics if found.code in unknown)
    untold = [
        key
        for number, line in enumerate(text.splitlines(), 1)
        for key in planted
        if line.strip(" -").startswith(f"{key}:") and number not in lines and f'"{key}"' not in told
    ]
    # An unknown test is told as a whole, with all that stands below it.
    assert [key for key in untold if "my_package" not in text.split(key)[0][-120:]] == []


def test_unknown_key_suggests_and_has_its_place(tmp_path: Path) -> None:
    _, diagnostics = read(tmp_path, {"models/a.yml": "models:\n  - name: t\n    colums: []\n"})
    found = only(diagnostics, "unknown-key")
    assert (found.location.line, found.location.column, found.hint) == (3, 5, "did you mean columns?")
    assert found.severity is Severity.WARNING


@pytest.mark.parametrize("key", ["tests", "data_tests"])
@pytest.mark.parametrize("nested", [True, False])
def test_both_names_of_tests_with_and_without_arguments(tmp_path: Path, key: str, nested: bool) -> None:
    values = "values: [a, b]"
    arguments = f"{{arguments: {{{values}}}}}" if nested else f"{{{values}}}"
    files = {
        "models/a.yml": f"models: [{{name: t, columns: [{{name: c, {key}: [{{accepted_values: {arguments}}}]}}]}}]\n"
    }
    schema, diagnostics = read(tmp_path, files)
    values_fact = column_of(schema, "t", "c").accepted_values
    assert values_fact is not None
    assert values_fact.value == ("a", "b")
    assert diagnostics == []


def test_all_resource_paths_and_both_endings_are_read(tmp_path: Path) -> None:
    places = ("models/a.yml", "seeds/deep/b.yaml", "snapshots/c.YML", "analyses/d.yml", "macros/e.yml", "tests/f.yml")
    files = {place: f"sources: [{{name: s{number}, tables: [{{name: t}}]}}]\n" for number, place in enumerate(places)}
    schema, _ = read(tmp_path, {**files, "elsewhere/g.yml": "sources: [{name: s9, tables: [{name: t}]}]\n"})
    assert sorted(table.name for table in schema) == [f"s{number}.t" for number in range(6)]


def test_source_names_schema_and_identifier(tmp_path: Path) -> None:
    files = {
        "models/a.yml": """
            sources:
              - name: crm
                schema: raw_crm
                tables: [{name: contact, identifier: contacts_v2}, {name: deal}]
              - name: plain
                tables: [{name: t}]
            """
    }
    schema, _ = read(tmp_path, files)
    sources = [(table.source.database_schema, table.source.identifier) for table in schema if table.source]
    assert sources == [("raw_crm", "contacts_v2"), ("raw_crm", "deal"), ("plain", "t")]


def test_snapshots_and_models_with_code_are_built(tmp_path: Path) -> None:
    files = {
        "models/sql.sql": "select 1",
        "models/py.py": "def model(dbt, session): ...",
        "snapshots/s.sql": "{% snapshot snap %} select 1 {% endsnapshot %}",
        "models/a.yml": "models: [{name: sql}, {name: py}, {name: neither}, {name: VERSIONED, versions: [{v: 1}]}]\n",
        "models/versioned_v1.sql": "select 1",
        "snapshots/s.yml": "snapshots: [{name: snap}, {name: in_yaml, relation: ref('sql')}]\n",
    }
    schema, _ = read(tmp_path, files)
    assert {table.name: table.built for table in schema} == {
        "sql": True,
        "py": True,
        "neither": False,
        "VERSIONED": True,
        "snap": True,
        "in_yaml": True,
    }


def test_doc_blocks(tmp_path: Path) -> None:
    files = {
        "models/d.md": "{% docs one %}\n  The one.\n{% enddocs %}\n{%- docs two -%}Two{%- enddocs -%}",
        "models/a.yml": """
            models:
              - name: t
                description: "{{ doc('one') }}"
                columns:
                  - {name: a, description: "{{ doc('shop', 'two') }} and more"}
                  - {name: b, description: "{{ doc('thre') }}"}
            """,
    }
    schema, diagnostics = read(tmp_path, files)
    assert table_of(schema, "t").description.value == "The one."  # type: ignore[union-attr]
    assert column_of(schema, "t", "a").description.value == "Two and more"  # type: ignore[union-attr]
    assert only(diagnostics, "missing-doc").location.short == "models/a.yml:6"


def test_environment_stays_out_of_descriptions(tmp_path: Path) -> None:
    files = {"models/a.yml": "models: [{name: t, description: \"{{ env_var('PATH') }}\"}]\n"}
    schema, diagnostics = read(tmp_path, files)
    assert table_of(schema, "t").description.value == "{{ env_var('PATH') }}"  # type: ignore[union-attr]
    assert only(diagnostics, "env-var-in-description").severity is Severity.WARNING


def test_anchors_and_merge_keys_work_as_in_dbt(tmp_path: Path) -> None:
    files = {
        "models/a.yml": """
            anchors:
              - &key {data_type: integer, data_tests: [unique, not_null]}
            models:
              - name: t
                columns:
                  - {name: id, <<: *key}
            """
    }
    schema, diagnostics = read(tmp_path, files)
    column = column_of(schema, "t", "id")
    assert column.data_type is not None
    assert column.data_type.value.kind is TypeKind.INTEGER
    assert column.unique is not None
    assert diagnostics == []


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("models:\n  - name: a\n   description: b\n", "yaml-syntax", 3),
        ("- name: a\n", "not-a-mapping", 1),
        ("models:\n  name: a\n", "not-a-list", 1),
        ("models:\n  - description: a\n", "no-name", 2),
        ("models:\n  - a\n", "no-name", 2),
        ("models:\n  - name: a\n    name: b\n", "duplicate-key", 3),
        ("models:\n  - name: a\n    columns: {name: b}\n", "not-a-list", 3),
        (
            "models:\n  - name: a\n    columns:\n      - name: b\n        tests:\n          unique: {}\n",
            "tests-not-a-list",
            5,
        ),
        ("models:\n  - name: a\n    config: {meta: {seedbed: 3}}\n", "annotation-form", 3),
        ("models:\n  - name: a\n  - name: A\n", "duplicate-table", 3),
    ],
)
def test_bad_input_is_an_error_at_its_line(tmp_path: Path, text: str, code: str, line: int) -> None:
    _, diagnostics = read(tmp_path, {"models/a.yml": text})
    found = only(diagnostics, code)
    assert (found.severity, found.location.file, found.location.line) == (Severity.ERROR, "models/a.yml", line)


def test_one_bad_file_leaves_the_others(tmp_path: Path) -> None:
    schema, diagnostics = read(tmp_path, {"models/a.yml": "models: [", "models/b.yml": "models: [{name: t}]\n"})
    assert [table.name for table in schema] == ["t"]
    only(diagnostics, "yaml-syntax")


def test_slips_in_free_keys(tmp_path: Path) -> None:
    files = {
        "models/a.yml": """
            models:
              - name: t
                config: {enabeld: false, materialized: table, schema_change: x, meta: {seedbeds: {}, owner: me}}
              - {name: u, config: {seedbed: {rows: 1}}}
            """
    }
    _, diagnostics = read(tmp_path, files)
    told = [(found.message.split('"')[1], found.hint) for found in diagnostics if found.code == "unknown-key"]
    assert told == [
        ("enabeld", "did you mean enabled?"),
        ("seedbeds", "did you mean seedbed?"),
        ("seedbed", "write it under config: meta: seedbed:"),
    ]


def test_rules_of_tables_come_with_their_places_once(tmp_path: Path) -> None:
    files = {
        "dbt_project.yml": "name: shop\nmodels:\n  +meta: {seedbed: {rules: [for all]}}\n",
        "models/a.yml": "models: [{name: a}, {name: b}, {name: c, config: {meta: {seedbed: {rules: one only}}}}]\n",
    }
    schema, diagnostics = read(tmp_path, files)
    assert [(rule.text, rule.origin.short) for rule in schema.rules] == [
        ("for all", "dbt_project.yml:3"),
        ("one only", "models/a.yml:1"),
    ]
    assert [found.code for found in diagnostics] == ["no-columns"]


def test_a_holder_of_anchors_is_no_unknown_key(tmp_path: Path) -> None:
    text = "x-shared:\n- &id {name: id, data_type: integer}\nmodels:\n- {name: t, columns: [*id]}\n"
    schema, diagnostics = read(tmp_path, {"models/a.yml": text})
    assert diagnostics == []
    assert table_of(schema, "t").column_names == ("id",)
