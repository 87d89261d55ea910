from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

import pytest
from dbt_projects import column_of, only, read, table_of, write_project
from hypothesis import given
from hypothesis import strategies as st

from seedbed.errors import Diagnostic, Severity
from seedbed.parsers import read_schema
from seedbed.parsers.erd import singular
from seedbed.schema import Cardinality, ForeignKey, Resource, Schema


def erd(root: Path, diagram: str, models: str = "") -> tuple[Schema, list[Diagnostic]]:
    """A project with one diagram, and property YAML beside it."""
    files = {"model.mmd": "erDiagram\n" + indent(dedent(diagram), "    ")}
    return read(root, {**files, "models/a.yml": models} if models else files)


def keys(schema: Schema, table: str) -> list[tuple[str, str, str]]:
    """Foreign keys as (columns, parent, parent columns)."""
    return [(",".join(k.columns), k.parent, ",".join(k.parent_columns)) for k in table_of(schema, table).foreign_keys]


REFERRING = "models: [{name: t, columns: [{name: c, data_tests: [{relationships: %s}]}]}]\n"
PARENT = "customers { int id PK }\n"


@pytest.mark.parametrize(
    ("child", "line", "expected"),
    [
        # the label
        ("orders { int id PK\n int customer_id }", "orders }o--|| customers : customer_id", ("customer_id", "id")),
        ("orders { int id PK\n int buyer }", "orders }o--|| customers : buyer", ("buyer", "id")),
        (
            "orders { int id PK\n int buyer }",
            'orders }o--|| customers : "orders.buyer = customers.id"',
            ("buyer", "id"),
        ),
        ("orders { int id PK\n int buyer }", 'customers ||--o{ orders : "id = buyer"', ("buyer", "id")),
        # marks and names
        ("orders { int id PK\n int customer_id FK }", "customers ||--o{ orders : places", ("customer_id", "id")),
        ("orders { int id PK\n int customers_id FK }", "customers ||--o{ orders : places", ("customers_id", "id")),
        (
            "orders { int id PK\n int x FK\n int customer_id FK }",
            "customers ||--o{ orders : has",
            ("customer_id", "id"),
        ),
        ("orders { int id PK\n int buyer FK }", "customers ||--o{ orders : places", ("buyer", "id")),
        ("orders { int id PK\n int customer_id }", "customers ||--o{ orders : places", ("customer_id", "id")),
        (
            "orders { int id PK\n int shopId FK\n int customerId FK }",
            "customers ||--o{ orders : has",
            ("customerId", "id"),
        ),
        # one to one
        ("orders { int id PK\n int customer_id FK }", "orders |o--|| customers : of", ("customer_id", "id")),
        ("orders { int id PK, FK }", "customers ||--o| orders : is", ("id", "id")),
    ],
)
def test_join_columns_of_a_relationship(tmp_path: Path, child: str, line: str, expected: tuple[str, str]) -> None:
    schema, diagnostics = erd(tmp_path, PARENT + child + "\n" + line)
    assert keys(schema, "orders") == [(expected[0], "customers", expected[1])]
    loose = [name for name in ("x", "shopId") if f"{name} FK" in child]
    assert [(found.code, found.severity) for found in diagnostics] == [
        ("key-without-relationship", Severity.NOTE) for _ in loose
    ]


def test_the_only_mark_that_nothing_else_explains(tmp_path: Path) -> None:
    schema, _ = erd(
        tmp_path,
        """
        customers { int id PK }
        staff { int id PK }
        orders { int id PK
          int seller FK
          int customer_id FK }
        staff ||--o{ orders : sells
        customers ||--o{ orders : places
        """,
    )
    assert sorted(keys(schema, "orders")) == [("customer_id", "customers", "id"), ("seller", "staff", "id")]


def test_words_of_names_may_be_joined_in_any_way(tmp_path: Path) -> None:
    schema, diagnostics = erd(
        tmp_path,
        """
        PARKING-LOT { int id PK }
        CAR { int id PK }
        STAY { int id PK
          int carId FK
          int parking_lot_id FK }
        PARKING-LOT ||--o{ STAY : hosts
        CAR ||--o{ STAY : makes
        """,
    )
    assert sorted(keys(schema, "STAY")) == [("carId", "CAR", "id"), ("parking_lot_id", "PARKING-LOT", "id")]
    assert diagnostics == []


def test_a_one_to_one_label_that_only_the_child_lists_is_no_new_column(tmp_path: Path) -> None:
    schema, diagnostics = erd(
        tmp_path, PARENT + "cards { int card_id PK\n int x FK }\ncustomers ||--|| cards : card_id"
    )
    assert keys(schema, "cards") == [("card_id", "customers", "id")]
    assert table_of(schema, "customers").column_names == ("id",)
    assert [found.code for found in diagnostics] == ["key-without-relationship"]


def test_two_marks_that_nothing_explains_are_told(tmp_path: Path) -> None:
    schema, diagnostics = erd(
        tmp_path, PARENT + "orders { int id PK\n int a FK\n int b FK }\ncustomers ||--o{ orders : places"
    )
    assert keys(schema, "orders") == []
    found = only(diagnostics, "unknown-join")
    assert (found.severity, found.location.short) == (Severity.WARNING, "model.mmd:6")
    assert "foreign_keys" in (found.hint or "")


@pytest.mark.parametrize(
    ("line", "children", "parents"),
    [
        ("customers ||--o{ orders : customer_id", (0, None), (1, 1)),
        ("customers |o--|{ orders : customer_id", (1, None), (0, 1)),
        ("orders }|..|| customers : customer_id", (1, None), (1, 1)),
        ("orders |o--|| customers : customer_id", (0, 1), (1, 1)),
        ("customers ||--|| orders : customer_id", (1, 1), (1, 1)),
    ],
)
def test_crows_feet_are_cardinalities(
    tmp_path: Path, line: str, children: tuple[int, int | None], parents: tuple[int, int]
) -> None:
    schema, _ = erd(tmp_path, PARENT + "orders { int id PK\n int customer_id FK }\n" + line)
    [key] = table_of(schema, "orders").foreign_keys
    assert (key.children, key.parents) == (Cardinality(*children), Cardinality(*parents))


def test_role_playing_dimension(tmp_path: Path) -> None:
    schema, diagnostics = erd(
        tmp_path,
        """
        DATE_DIM { int date_sk PK }
        CASE_STATUS_DIM { int case_status_sk PK
          int start_date_sk FK
          int end_date_sk FK
          int candidate_sk }
        CASE_STATUS_DIM }o--|| DATE_DIM : date_sk
        """,
    )
    assert keys(schema, "CASE_STATUS_DIM") == [
        ("start_date_sk", "DATE_DIM", "date_sk"),
        ("end_date_sk", "DATE_DIM", "date_sk"),
    ]
    assert diagnostics == []


def test_composite_keys(tmp_path: Path) -> None:
    schema, diagnostics = erd(
        tmp_path,
        """
        line { int order_no PK
          int line_no PK }
        shipment { int id PK
          int order_no FK
          int line_no FK }
        line ||--o{ shipment : "goes out as"
        """,
    )
    assert table_of(schema, "line").primary_key.value == ("order_no", "line_no")  # type: ignore[union-attr]
    assert keys(schema, "shipment") == [("order_no,line_no", "line", "order_no,line_no")]
    assert diagnostics == []


HISTORY = "models: [{name: status, config: {meta: {seedbed: {history: {entity: case_sk}}}}, columns: [%s]}]\n"


@pytest.mark.parametrize(
    "columns", ["{name: case_sk}", "{name: status_sk, constraints: [{type: primary_key}]}, {name: case_sk}"]
)
def test_a_join_to_a_history_by_its_entity_is_no_foreign_key(tmp_path: Path, columns: str) -> None:
    diagram = "fact { int id PK\n int case_sk }\nfact }o--|| status : case_sk"
    schema, diagnostics = erd(tmp_path, diagram, HISTORY % columns)
    assert keys(schema, "fact") == []
    assert only(diagnostics, "point-in-time-join").severity is Severity.NOTE


def test_a_join_to_a_column_that_is_no_key_is_told(tmp_path: Path) -> None:
    schema, diagnostics = erd(tmp_path, "a { int id PK\n int code }\nb { int id PK\n int code }\nb }o--|| a : code")
    assert keys(schema, "b") == []
    found = only(diagnostics, "not-a-key")
    assert (found.severity, found.location.short) == (Severity.WARNING, "model.mmd:6")


def test_many_to_many_needs_a_bridge(tmp_path: Path) -> None:
    schema, diagnostics = erd(tmp_path, "a { int id PK }\nb { int id PK }\na }o--o{ b : x")
    assert keys(schema, "a") + keys(schema, "b") == []
    assert "BRIDGE" in (only(diagnostics, "many-to-many").hint or "")


def test_an_arrow_in_a_comment_is_a_foreign_key(tmp_path: Path) -> None:
    schema, _ = erd(
        tmp_path,
        """
        CASE_DIM { int case_sk PK }
        FACT { int a "-> CASE_DIM.case_sk"
          int b "the case → case_dim.case_sk"
          int c "links to case_sk in the table CASE_DIM" }
        """,
    )
    assert keys(schema, "FACT") == [("a", "CASE_DIM", "case_sk"), ("b", "CASE_DIM", "case_sk")]


def test_entities_are_tables_without_regard_to_case(tmp_path: Path) -> None:
    models = """
        models: [{name: dim_customer, columns: [{name: Id, data_type: bigint}]}]
        sources:
          - {name: raw, tables: [{name: orders, identifier: orders_v2}, {name: Lines}]}
        """
    diagram = """
        DIM_CUSTOMER { int ID PK "from the picture" }
        ORDERS_V2 { int id }
        "raw.lines" { int id }
        new_one { int id }
        """
    schema, diagnostics = erd(tmp_path, diagram, dedent(models))
    assert [table.name for table in schema] == ["dim_customer", "raw.orders", "raw.Lines", "new_one"]
    column = column_of(schema, "dim_customer", "id")
    assert (column.name, column.description.value) == ("Id", "from the picture")  # type: ignore[union-attr]
    assert table_of(schema, "dim_customer").primary_key.value == ("Id",)  # type: ignore[union-attr]
    assert column_of(schema, "raw.orders", "id").origin.file == "model.mmd"
    assert diagnostics == []


def test_an_entity_that_two_sources_could_be(tmp_path: Path) -> None:
    models = "sources: [{name: a, tables: [{name: t}]}, {name: b, tables: [{name: t}]}]\n"
    schema, diagnostics = erd(tmp_path, "t { int id }", models)
    assert table_of(schema, "t").resource is Resource.ENTITY
    assert "a.t, b.t" in only(diagnostics, "ambiguous-entity").message


def test_an_entity_that_a_model_builds_is_not_generated(tmp_path: Path) -> None:
    files = {"m.mmd": "erDiagram\n  ORDERS { int id PK }\n", "models/orders.sql": "select 1"}
    schema, _ = read(tmp_path, files)
    assert [(table.name, table.generated) for table in schema] == [("ORDERS", False)]


@pytest.mark.parametrize(
    ("attribute", "said"),
    [("date id", "the type of t.id is date here, but integer in models/a.yml:1"), ("string id", "is string here")],
)
def test_contradicting_types_name_both_places(tmp_path: Path, attribute: str, said: str) -> None:
    models = "models: [{name: t, columns: [{name: id, data_type: integer}]}]\n"
    schema, diagnostics = erd(tmp_path, f"t {{ {attribute} }}", models)
    found = only(diagnostics, "contradiction")
    assert said in found.message
    assert (found.location.short, found.severity) == ("model.mmd:2", Severity.WARNING)
    assert column_of(schema, "t", "id").data_type.value.text == "integer"  # type: ignore[union-attr]


@pytest.mark.parametrize("drawn", ["int", "bigint"])
def test_sizes_and_families_of_one_kind_do_not_contradict(tmp_path: Path, drawn: str) -> None:
    models = "models: [{name: t, columns: [{name: id, data_type: smallint}]}]\n"
    assert erd(tmp_path, f"t {{ {drawn} id }}", models)[1] == []


def test_diagrams_are_found_where_people_put_them(tmp_path: Path) -> None:
    diagram = "erDiagram\n  %s { int id }\n"
    fenced = "# Title\n\n```mermaid\n" + diagram + "```\n"
    files = {
        "README.md": fenced % "in_readme",
        "docs/deep/a.mermaid": diagram % "in_docs",
        "models/b.mmd": diagram % "in_models",
        "models/c.md": "{% docs x %}\n" + fenced % "in_docs_block" + "{% enddocs %}\n",
        "target/a.mmd": diagram % "in_target",
        "dbt_packages/p/a.mmd": diagram % "in_package",
        "node_modules/a.mmd": diagram % "in_node_modules",
        ".hidden/a.mmd": diagram % "in_hidden",
        "env38/pyvenv.cfg": "",
        "env38/a.mmd": diagram % "in_virtualenv",
        "integration_tests/dbt_project.yml": "name: other",
        "integration_tests/a.mmd": diagram % "in_other_project",
        "ignored/a.mmd": diagram % "in_ignored",
        ".dbtignore": "ignored/\n",
        "flow.mmd": "flowchart LR\n a --> b\n",
    }
    schema, diagnostics = read(tmp_path, files)
    assert {table.name for table in schema} == {"in_readme", "in_docs", "in_models", "in_docs_block"}
    assert diagnostics == []


def test_workflows_are_read(tmp_path: Path) -> None:
    schema, _ = read(
        tmp_path, {"w.mmd": "stateDiagram-v2\n  [*] --> open\n  open --> closed : 40%\n  closed --> [*]\n"}
    )
    [workflow] = schema.workflows
    assert workflow.states == ("open", "closed")


def test_a_relationship_test_onto_nothing(tmp_path: Path) -> None:
    models = """
        models:
          - name: customers
            columns: [{name: customer_id}]
          - name: orders
            columns:
              - name: customer_id
                data_tests: [{relationships: {arguments: {to: ref('custmers'), field: customer_id}}}]
              - name: payer_id
                data_tests: [{relationships: {arguments: {to: ref('customers'), field: custmer_id}}}]
        """
    schema, diagnostics = read(tmp_path, {"models/a.yml": models})
    assert only(diagnostics, "unknown-table").hint == "did you mean customers?"
    found = only(diagnostics, "undocumented-column")
    assert (found.hint, found.location.short) == ("did you mean customer_id?", "models/a.yml:9")
    assert keys(schema, "orders") == [("payer_id", "customers", "custmer_id")]


def test_a_relationship_to_a_model_that_has_only_code(tmp_path: Path) -> None:
    files = {
        "models/dim.sql": "select 1 as id",
        "models/a.yml": REFERRING % "{to: ref('dim'), field: id}",
    }
    schema, diagnostics = read(tmp_path, files)
    assert keys(schema, "t") == [("c", "dim", "id")]
    assert table_of(schema, "dim").built
    assert diagnostics == []


def test_yaml_and_diagram_add_up_to_one_foreign_key(tmp_path: Path) -> None:
    models = """
        models:
          - {name: customers, columns: [{name: id}]}
          - name: orders
            columns: [{name: buyer, data_tests: [{relationships: {to: ref('customers'), field: id}}]}]
        """
    schema, diagnostics = erd(tmp_path, "customers |o--|{ orders : places", dedent(models))
    [key] = table_of(schema, "orders").foreign_keys
    assert key == ForeignKey(
        ("buyer",), "customers", ("id",), key.origin, Cardinality(1, None), Cardinality(0, 1), "places"
    )
    assert key.origin.file == "models/a.yml"
    assert diagnostics == []


def test_hand_written_seeds_are_tables_with_rows(tmp_path: Path) -> None:
    files = {
        "seeds/deep/countries.csv": 'code,"a name"\nNL,Netherlands\n',
        "seeds/empty.csv": "",
        "models/a.yml": REFERRING % "{to: ref('countries'), field: code}",
    }
    schema, diagnostics = read(tmp_path, files)
    countries = table_of(schema, "countries")
    assert (countries.data_file, countries.generated) == (tmp_path / "seeds/deep/countries.csv", False)
    assert countries.column_names == ("code", "a name")
    assert keys(schema, "t") == [("c", "countries", "code")]
    assert diagnostics == []


def test_what_seedbed_wrote_changes_nothing(tmp_path: Path) -> None:
    """Reading a project again after its seeds were written gives the same Schema."""
    files = {
        "models/a.yml": "sources: [{name: raw, tables: [{name: orders, columns: [{name: id}]}]}]\n",
        "models/b.yml": "models: [{name: planned, columns: [{name: id}]}]\n",
        "m.mmd": "erDiagram\n  drawn { int id PK }\n",
        "seeds/s.yml": "seeds: [{name: documented, columns: [{name: id}]}]\n",
    }
    root = write_project(tmp_path, files)
    before = read_schema(root)[0]
    written = {f"{name}.csv": {"sha256": "0"} for name in ("orders", "planned", "drawn", "documented")}
    for name in written:
        (root / "seeds" / name).write_text("id,more\n1,2\n")
    (root / "seeds" / "_seedbed.yml").write_text("seeds: [{name: orders, columns: [{name: id, tests: [unique]}]}]\n")
    marker = str({"files": {**written, "_seedbed.yml": {}}}).replace("'", '"')
    (root / "seeds" / ".seedbed.manifest").write_text(marker)
    after, diagnostics = read_schema(root)
    assert after.tables == before.tables
    assert diagnostics == []


def test_an_unreadable_marker_makes_every_seed_hand_written(tmp_path: Path) -> None:
    schema, diagnostics = read(tmp_path, {"seeds/.seedbed.manifest": "[", "seeds/a.csv": "id\n1\n"})
    assert table_of(schema, "a").data_file is not None
    assert only(diagnostics, "marker-unreadable").severity is Severity.ERROR


def test_a_seed_stands_for_the_source_that_it_fills(tmp_path: Path) -> None:
    files = {
        "models/a.yml": """
            sources:
              - {name: raw, tables: [{name: o, identifier: orders, columns: [{name: id, data_type: integer}]}]}
            """,
        "seeds/s.yml": """
            seeds:
              - {name: seed_orders, config: {alias: orders}, columns: [{name: id, data_tests: [unique]}]}
            """,
    }
    schema, _ = read(tmp_path, files)
    [table] = schema.tables
    assert (table.name, table.resource, table.source.table_name) == ("seed_orders", Resource.SEED, "o")  # type: ignore[union-attr]
    column = column_of(schema, "seed_orders", "id")
    assert column.unique is not None
    assert column.data_type is not None


def test_a_seed_that_two_sources_could_be_is_neither(tmp_path: Path) -> None:
    files = {
        "models/a.yml": "sources: [{name: a, tables: [{name: t}]}, {name: b, tables: [{name: t}]}]\n",
        "seeds/t.csv": "id\n1\n",
    }
    schema, _ = read(tmp_path, files)
    assert sorted(table.name for table in schema) == ["a.t", "b.t", "t"]


def test_external_locations(tmp_path: Path) -> None:
    files = {
        "data/there.parquet": "x",
        "models/a.yml": """
            sources:
              - name: lake
                config: {meta: {external_location: "read_parquet('data/{name}.parquet')"}}
                tables: [{name: there, columns: [{name: id}]}, {name: missing, columns: [{name: id}]}]
            """,
    }
    schema, _ = read(tmp_path, files)
    assert table_of(schema, "lake.there").data_file == tmp_path / "data/there.parquet"
    assert table_of(schema, "lake.missing").generated


@pytest.mark.parametrize(
    "files",
    [
        {"models/a.yml": "models: [{name: t}]\n", "models/b.yml": "models: [{name: T}]\n"},
        {"seeds/a/t.csv": "id\n", "seeds/b/t.csv": "id\n"},
        {"seeds/t.csv": "id\n", "models/t.sql": "select 1", "models/b.yml": "models: [{name: t}]\n"},
        {"models/a.yml": "sources: [{name: s, tables: [{name: t},\n  {name: t}]}]\n"},
    ],
)
def test_two_tables_of_one_name_name_both_places(tmp_path: Path, files: dict[str, str]) -> None:
    _, diagnostics = read(tmp_path, files)
    found = only(diagnostics, "duplicate-table")
    assert found.severity is Severity.ERROR
    assert found.location.short
    assert ": here and in " in found.message
    assert found.location.short not in found.message.split("here and in ")[1]


def test_a_table_without_columns_is_told(tmp_path: Path) -> None:
    _, diagnostics = read(tmp_path, {"models/a.yml": "models: [{name: t}, {name: u}]\n", "models/u.sql": "select 1"})
    found = only(diagnostics, "no-columns")
    assert "which columns t has" in found.message
    assert found.location.short == "models/a.yml:1"


def test_tables_without_columns_are_not_generated_and_told_once_a_file(tmp_path: Path) -> None:
    files = {
        "models/a.yml": "sources:\n- name: s\n  tables: [{name: t}, {name: u}, {name: v, columns: [{name: id}]}]\n",
        "models/b.yml": "models: [{name: w}]\n",
    }
    schema, diagnostics = read(tmp_path, files)
    assert [table.name for table in schema if table.generated] == ["s.v"]
    messages = [found.message for found in diagnostics if found.code == "no-columns"]
    assert len(messages) == 2
    assert "which columns s.t, s.u have" in messages[0]
    assert "which columns w has" in messages[1]


@given(st.text(alphabet="abces", min_size=1, max_size=10))
def test_singular_is_stable(name: str) -> None:
    assert len(singular(name)) <= len(name)


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        ("customers", "customer"),
        ("categories", "category"),
        ("boxes", "box"),
        ("classes", "class"),
        ("address", "address"),
    ],
)
def test_singular(plural: str, one: str) -> None:
    assert singular(plural) == one


def test_a_relationship_test_onto_the_entity_of_a_history_is_no_foreign_key(tmp_path: Path) -> None:
    models = """
        models:
          - name: status
            config: {meta: {seedbed: {history: {entity: case_sk}}}}
            columns: [{name: status_sk, constraints: [{type: primary_key}]}, {name: case_sk}]
          - name: fact
            columns: [{name: case_sk, data_tests: [{relationships: {to: ref('status'), field: case_sk}}]}]
        """
    schema, diagnostics = read(tmp_path, {"models/a.yml": models})
    assert keys(schema, "fact") == []
    assert only(diagnostics, "point-in-time-join").location.short == "models/a.yml:6"


def test_a_key_that_yaml_forbids_to_be_null_and_the_diagram_does_not(tmp_path: Path) -> None:
    models = "models: [{name: orders, columns: [{name: customer_id, data_tests: [not_null]}]}]\n"
    schema, diagnostics = erd(tmp_path, PARENT + "customers |o--o{ orders : customer_id", models)
    [key] = table_of(schema, "orders").foreign_keys
    assert key.parents == Cardinality(1, 1)
    assert "models/a.yml:1" in only(diagnostics, "contradiction").message


def test_two_primary_keys_name_both_places(tmp_path: Path) -> None:
    models = "models: [{name: t, columns: [{name: id, constraints: [{type: primary_key}]}]}]\n"
    schema, diagnostics = erd(tmp_path, "t { int id\n int other PK }", models)
    assert table_of(schema, "t").primary_key.value == ("id",)  # type: ignore[union-attr]
    found = only(diagnostics, "contradiction")
    assert (found.location.short, "models/a.yml:1" in found.message) == ("model.mmd:3", True)
    assert table_of(schema, "t").unique_keys == ()


def test_an_external_file_that_seedbed_wrote_is_not_hand_written(tmp_path: Path) -> None:
    files = {
        "data/mine.parquet": "x",
        "data/its.parquet": "x",
        "data/.seedbed.manifest": '{"files": {"its.parquet": {}}}',
        "models/a.yml": """
            sources:
              - name: lake
                config: {meta: {external_location: "data/{name}.parquet"}}
                tables: [{name: mine, columns: [{name: id}]}, {name: its, columns: [{name: id}]}]
              - name: far
                config: {meta: {external_location: "s3://bucket/{name}.parquet"}}
                tables: [{name: away, columns: [{name: id}]}]
            """,
    }
    schema, diagnostics = read(tmp_path, files)
    assert [table.name for table in schema if table.generated] == ["lake.its", "far.away"]
    assert [table.source.external for table in schema if table.source] == [
        "data/mine.parquet",
        "data/its.parquet",
        None,
    ]
    assert diagnostics == []


ORDERS = "models: [{name: orders, columns: [{name: order_id}]}, {name: customers, columns: [{name: customer_id}]}]\n"


def test_an_entity_that_is_nearly_a_table_may_be_misspelt(tmp_path: Path) -> None:
    _, found = erd(tmp_path, "customers ||--o{ ordres : customer_id", ORDERS)
    alone = only(found, "entity-alone")
    assert (alone.severity, alone.location.line, alone.hint) == (Severity.WARNING, 2, "did you mean orders?")


@pytest.mark.parametrize("other", ["shipments", "order_lines"])
def test_an_entity_of_its_own_is_not_taken_for_a_typo(tmp_path: Path, other: str) -> None:
    _, found = erd(tmp_path, f"customers ||--o{{ {other} : customer_id", ORDERS)
    assert "entity-alone" not in [item.code for item in found]


def test_an_entity_beside_the_table_that_it_is_like_is_no_typo(tmp_path: Path) -> None:
    _, found = erd(tmp_path, "customers ||--o{ orders : customer_id\ncustomers ||--o{ orders2 : customer_id", ORDERS)
    assert "entity-alone" not in [item.code for item in found]
