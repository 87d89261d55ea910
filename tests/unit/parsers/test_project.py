from __future__ import annotations

import os
from pathlib import Path

import pytest
from dbt_projects import column_of, only, read, table_of, write_project

from seedbed.errors import ProjectError, Severity
from seedbed.parsers import read_schema
from seedbed.parsers.files import compile_ignore_patterns
from seedbed.parsers.project import read_project

TABLE = "models: [{name: %s, columns: [{name: id, data_type: integer}]}]\n"


def test_no_dbt_project_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as raised:
        read_schema(tmp_path)
    [found] = raised.value.diagnostics
    assert found.code == "no-project"
    assert "--project-dir" in (found.hint or "")


def test_no_dbt_project_names_one_that_is_near(tmp_path: Path) -> None:
    write_project(tmp_path / "inner", {})
    with pytest.raises(ProjectError) as raised:
        read_schema(tmp_path)
    assert raised.value.diagnostics[0].hint == f"pass --project-dir {tmp_path / 'inner'}"
    (tmp_path / "inner" / "models").mkdir()
    with pytest.raises(ProjectError) as raised:
        read_schema(tmp_path / "inner" / "models")
    assert raised.value.diagnostics[0].hint == f"pass --project-dir {tmp_path / 'inner'}"


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as raised:
        read_schema(tmp_path / "nowhere")
    assert "there is no folder" in str(raised.value)


@pytest.mark.parametrize(
    ("text", "code"),
    [("- a\n", "not-a-mapping"), ("", "not-a-mapping"), ("version: 1\n", "no-project-name"), ("a: [", "yaml-syntax")],
)
def test_unusable_dbt_project(tmp_path: Path, text: str, code: str) -> None:
    with pytest.raises(ProjectError) as raised:
        read(tmp_path, {"dbt_project.yml": text})
    assert [found.code for found in raised.value.diagnostics] == [code]


def test_empty_project_has_no_tables(tmp_path: Path) -> None:
    schema, diagnostics = read(tmp_path, {})
    assert (schema.tables, diagnostics) == ((), [])
    assert schema.project.name == "shop"
    assert schema.project.seed_paths == (tmp_path / "seeds",)


def test_variables_of_the_project_its_own_name_and_the_command_line(tmp_path: Path) -> None:
    project = """
        name: shop
        vars:
          a: outer
          b: outer
          c: outer
          shop: {b: own, c: own}
          other: {a: theirs}
        """
    files = {
        "dbt_project.yml": project,
        "models/a.yml": "models: [{name: t, columns: [{name: \"{{ var('a') }}_{{ var('b') }}_{{ var('c') }}\"}]}]\n",
    }
    schema, diagnostics = read(tmp_path, files, vars={"c": "line"})
    assert table_of(schema, "t").column_names == ("outer_own_line",)
    assert diagnostics == []


def test_variables_in_two_files_are_refused_naming_both(tmp_path: Path) -> None:
    _, diagnostics = read(
        tmp_path, {"dbt_project.yml": "name: shop\nvars: {a: 1}\n", "vars.yml": "vars: {b: 2}\nextra: 1\n"}
    )
    found = only(diagnostics, "vars-twice")
    assert found.location.short == "vars.yml:1"
    assert "dbt_project.yml:2" in found.message
    assert only(diagnostics, "unknown-key").location.short == "vars.yml:2"


@pytest.mark.parametrize("key", ["model-paths", "seed-paths", "docs-paths", "data-paths"])
@pytest.mark.parametrize("folder", ["../outside", "/etc", '"models/\\0"', "models/../../outside"])
def test_path_that_leaves_the_project_is_not_read(tmp_path: Path, key: str, folder: str) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.yml").write_text(TABLE % "stranger")
    schema, diagnostics = read(tmp_path / "p", {"dbt_project.yml": f"name: shop\n{key}: [{folder}, models]\n"})
    assert schema.tables == ()
    assert only(diagnostics, "path-outside-project").severity is Severity.WARNING


@pytest.mark.parametrize(
    ("files", "options", "expected"),
    [
        ({}, {}, "shop_dev"),
        ({"profiles.yml": "shop: {target: ci, outputs: {ci: {type: duckdb}, dev: {type: duckdb}}}"}, {}, "shop_ci"),
        ({"profiles.yml": "shop: {outputs: {default: {type: duckdb}}}"}, {}, "shop_default"),
        (
            {"profiles.yml": "shop: {target: ci, outputs: {ci: {type: duckdb}, dev: {type: duckdb}}}"},
            {"target": "dev"},
            "shop_dev",
        ),
        ({"profiles.yml": "other: {target: x, outputs: {x: {type: duckdb}}}"}, {"profile": "other"}, "other_x"),
    ],
)
def test_target_comes_from_the_profile(
    tmp_path: Path, files: dict[str, str], options: dict[str, str], expected: str
) -> None:
    project = {"dbt_project.yml": "name: shop\nprofile: shop\n"}
    table = {"models/a.yml": TABLE % '"{{ target.profile_name }}_{{ target.name }}"'}
    schema, diagnostics = read(tmp_path, {**project, **table, **files}, **options)
    assert [known.name for known in schema] == [expected]
    assert [found.code for found in diagnostics] == ([] if files else ["no-profile"])


def test_profile_is_found_by_option_then_environment_then_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_project(tmp_path / "p", {"models/a.yml": TABLE % '"{{ target.name }}"'})
    for place in ("home/.dbt", "env", "option"):
        write_project(
            tmp_path / place,
            {"profiles.yml": f"default: {{target: {place[:3]}, outputs: {{{place[:3]}: {{type: duckdb}}}}}}"},
        )
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    assert read_schema(root)[0].tables[0].name == "hom"
    monkeypatch.setenv("DBT_PROFILES_DIR", str(tmp_path / "env"))
    assert read_schema(root)[0].tables[0].name == "env"
    assert read_schema(root, profiles_dir=tmp_path / "option")[0].tables[0].name == "opt"


def test_unknown_target_names_the_nearest(tmp_path: Path) -> None:
    profiles = {"profiles.yml": "default: {target: dev, outputs: {dev: {type: duckdb}, prod: {type: duckdb}}}"}
    _, diagnostics = read(tmp_path, profiles, target="prd")
    found = only(diagnostics, "unknown-target")
    assert (found.severity, found.hint) == (Severity.ERROR, "did you mean prod?")


def test_secrets_of_the_profile_are_never_rendered(tmp_path: Path) -> None:
    profiles = (
        "default: {outputs: {default: {type: postgres, schema: raw, password: \"{{ env_var('NOBODY_SETS_THIS') }}\"}}}"
    )
    schema, diagnostics = read(
        tmp_path, {"profiles.yml": profiles, "models/a.yml": TABLE % "\"t_{{ target.get('password', 'hidden') }}\""}
    )
    assert (schema.project.adapter, schema.project.target_schema) == ("postgres", "raw")
    assert (schema.tables[0].name, diagnostics) == ("t_hidden", [])


def test_env_file_stands_behind_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEDBED_TEST_ONE", "process")
    files = {
        ".env": """
            SEEDBED_TEST_ONE=file
            export SEEDBED_TEST_TWO='two # kept' # dropped

            nonsense
            SEEDBED_TEST_THREE=
            """,
        "models/a.yml": """
            models:
              - name: t
                columns:
                  - name: "{{ env_var('SEEDBED_TEST_ONE') }}"
                  - name: "{{ env_var('SEEDBED_TEST_TWO') }}"
                  - name: "x{{ env_var('SEEDBED_TEST_THREE') }}"
            """,
    }
    schema, _ = read(tmp_path, files)
    assert table_of(schema, "t").column_names == ("process", "two # kept", "x")
    assert "SEEDBED_TEST_TWO" not in os.environ


def test_meta_is_merged_one_level_deep_and_tags_add_up(tmp_path: Path) -> None:
    files = {
        "dbt_project.yml": """
            name: shop
            models:
              +meta: {seedbed: {rows: 3, note: outer}, other: 2}
              shop:
                staging: {+tags: [a, b]}
            """,
        "models/staging/a.yml": """
            models:
              - {name: own, config: {tags: b, meta: {seedbed: {rows: 9}}}}
              - {name: inherited}
            """,
    }
    schema, _ = read(tmp_path, files)
    own, inherited = table_of(schema, "own"), table_of(schema, "inherited")
    assert own.annotation is not None
    assert inherited.annotation is not None
    assert (own.annotation.value, own.annotation.location().short) == ({"rows": 9}, "models/staging/a.yml:2")
    assert inherited.annotation.value == {"rows": 3, "note": "outer"}
    assert inherited.annotation.location("rows").short == "dbt_project.yml:3"
    assert own.tags == ("a", "b")


def test_disabled_resources_are_skipped(tmp_path: Path) -> None:
    files = {
        "dbt_project.yml": """
            name: shop
            models: {shop: {off: {+enabled: false}}}
            sources: {shop: {raw: {a: {+enabled: false}}}}
            """,
        "models/off/a.yml": TABLE % "by_folder",
        "models/b.yml": "models: [{name: by_file, config: {enabled: false}}, {name: by_code, columns: [{name: id}]}]\n",
        "models/by_code.sql": "{{ config(materialized='table', enabled=false) }} select 1",
        "models/c.yml": """
            sources: [{name: raw, tables: [{name: a}, {name: b, config: {enabled: 'false'}}, {name: c}]}]
            """,
    }
    schema, _ = read(tmp_path, files)
    # A model without code is still to be made; one that is switched off is not missing.
    assert [table.name for table in schema] == ["by_code", "raw.c"]


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("packages.yml", "packages: [{package: example/seedbed, version: 0.1.0}]", True),
        ("packages.yml", "packages: [{git: 'https://github.com/example/dbt-seedbed.git'}]", True),
        ("dependencies.yml", "packages: [{local: ../seedbed}]", True),
        ("packages.yml", "packages: [{package: dbt-labs/dbt_utils, version: 1.3.0}]", False),
        ("packages.yml", "packages: [{local: ../seedbed_not}]", False),
        ("dbt_packages/seedbed/dbt_project.yml", "name: seedbed", True),
    ],
)
def test_the_dbt_package_is_noticed(tmp_path: Path, file: str, text: str, expected: bool) -> None:
    assert read(tmp_path, {file: text})[0].project.has_dbt_package is expected


@pytest.mark.parametrize(
    ("patterns", "name", "ignored"),
    [
        ("*.md", "docs/a.md", True),
        ("docs/", "docs/a.md", True),
        ("docs/", "other/docs/a.md", True),
        ("/docs/", "other/docs/a.md", False),
        ("docs/*.md", "docs/deep/a.md", False),
        ("docs/**/a.md", "docs/very/deep/a.md", True),
        ("**/a.md", "x/y/a.md", True),
        ("a?.md", "ab.md", True),
        ("[ab].md", "c.md", False),
        ("*.md\n!keep.md", "keep.md", False),
        ("*.md\n!keep.md\nkeep.md", "keep.md", True),
        ("# *.md\n", "a.md", False),
        ("[z-a].md", "b.md", False),
    ],
)
def test_dbtignore(patterns: str, name: str, ignored: bool) -> None:
    pattern = compile_ignore_patterns(patterns.splitlines())
    assert (pattern is not None and pattern.match(name) is not None) is ignored


def test_dbtignore_hides_property_files(tmp_path: Path) -> None:
    files = {".dbtignore": "models/old/\n", "models/old/a.yml": TABLE % "old", "models/a.yml": TABLE % "new"}
    assert [table.name for table in read(tmp_path, files)[0]] == ["new"]


def test_files_of_other_encodings(tmp_path: Path) -> None:
    files = {
        "models/bom.yml": b"\xef\xbb\xbf" + (TABLE % "bom").encode(),
        "models/crlf.yml": b"models:\r\n  - name: crlf\r\n    columns:\r\n      - name: id\r\n",
        "models/latin.yml": "models:\n  - name: latin\n    description: 'gr\xf6\xdfe'\n".encode("latin-1"),
        "models/utf16.yml": (TABLE % "utf16").encode("utf-16"),
    }
    schema, diagnostics = read(tmp_path, files)
    assert [table.name for table in schema] == ["bom", "crlf", "latin"]
    assert column_of(schema, "crlf", "id").origin.line == 4
    assert table_of(schema, "latin").description.value == "größe"  # type: ignore[union-attr]
    assert only(diagnostics, "not-utf8").location.short == "models/latin.yml:3"
    assert "UTF-16" in only(diagnostics, "file-unreadable").message


def test_huge_file_and_files_that_are_none(tmp_path: Path) -> None:
    root = write_project(tmp_path, {"models/a.yml": TABLE % "fine", "models/huge.yml": b"#" * 6_000_000})
    with (root / "models" / "giant.yml").open("wb") as stream:
        stream.truncate(30_000_000)
    (root / "models" / "broken_link.yml").symlink_to(root / "nowhere")
    (root / "models" / "self.yml").symlink_to(root / "models" / "self.yml")
    os.mkfifo(root / "models" / "pipe.yml")
    (root / "models" / "loop").symlink_to(root / "models", target_is_directory=True)
    schema, diagnostics = read_schema(root)
    assert [table.name for table in schema] == ["fine"]
    told = {(found.code, found.location.file) for found in diagnostics}
    assert told == {
        ("yaml-too-large", "models/huge.yml"),
        ("file-unreadable", "models/giant.yml"),
        ("file-unreadable", "models/broken_link.yml"),
        ("file-unreadable", "models/self.yml"),
        ("file-unreadable", "models/pipe.yml"),
    }


def test_configuration_of_a_model_that_has_a_bare_folder(tmp_path: Path) -> None:
    project = read_project(
        write_project(tmp_path, {"dbt_project.yml": "name: shop\nmodels: {shop: {a: {b: {+alias: x}}}}\n"})
    )
    assert project.configured("models", ("a", "b", "t")).text("alias") == "x"
    assert project.configured("models", ("a", "t")).text("alias") is None


@pytest.mark.parametrize(
    ("output", "database", "told"),
    [
        ("{type: snowflake, database: ANALYTICS}", "RAW", "ANALYTICS"),
        ("{type: snowflake, database: ANALYTICS}", "analytics", None),
        ("{type: snowflake, database: ANALYTICS}", "'{{ target.database }}'", None),
        ("{type: postgres, dbname: shop}", "raw", "shop"),
        ("{type: bigquery, project: acme}", "acme-raw", "acme"),
        ("{type: databricks, catalog: main}", "raw", "main"),
        ("{type: duckdb, path: data/shop.duckdb}", "raw", "shop"),
        ("{type: duckdb, path: data/shop.duckdb}", "'{{ target.database }}'", None),
        ("{type: duckdb}", "memory", None),
        ("{type: duckdb, path: 'md:shop'}", "raw", None),
        (None, "RAW", None),
    ],
)
def test_a_source_in_another_database_is_told(
    tmp_path: Path, output: str | None, database: str, told: str | None
) -> None:
    profiles = {"profiles.yml": f"default: {{target: dev, outputs: {{dev: {output}}}}}"} if output else {}
    sources = f"sources:\n  - name: raw\n    database: {database}\n    tables: [{{name: a}}, {{name: b}}]\n"
    found = [found for found in read(tmp_path, {**profiles, "models/s.yml": sources})[1] if "database" in found.code]
    assert bool(found) == (told is not None)
    if told:
        assert f"the target's is {told}" in found[0].message
        assert (len(found), found[0].location.short) == (1, "models/s.yml:3")


def test_a_source_that_is_a_file_is_in_no_other_database(tmp_path: Path) -> None:
    files = {
        "profiles.yml": "default: {target: dev, outputs: {dev: {type: duckdb, path: a.duckdb}}}",
        "models/s.yml": """
            sources:
              - name: raw
                database: other
                config: {meta: {external_location: "data/{name}.parquet"}}
                tables: [{name: a}]
        """,
    }
    assert not [found for found in read(tmp_path, files)[1] if found.code == "other-database"]
