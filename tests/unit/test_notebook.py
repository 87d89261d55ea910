"""From Python: a project or the text of a schema, a plan, DataFrames."""

import datetime as dt
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

import seedbed
from clinic import PLAN, PROPERTIES, WARDS
from llm_plans import CASES, reply
from llm_server import LlmServer
from seedbed.cli import main
from worlds import HEAD, write_project

TODAY = dt.date(2026, 6, 30)
ERD = """
erDiagram
  CUSTOMERS ||--o{ ORDERS : customer_id
  CUSTOMERS { int customer_id PK
              varchar name }
  ORDERS { int order_id PK
           int customer_id FK
           decimal(10,2) amount }
"""
YAML = """
seeds:
  - name: customers
    columns:
      - {name: customer_id, data_type: integer, data_tests: [unique]}
      - {name: name, data_type: varchar}
"""


@pytest.fixture
def clinic(tmp_path):
    files = {"seeds/_seeds.yml": PROPERTIES, "seeds/wards.csv": WARDS, "seedbed.yml": HEAD + PLAN}
    return write_project(tmp_path / "clinic", files)


def test_four_lines_give_what_generate_writes(clinic, tmp_path):
    tables = seedbed.generate(seedbed.author(seedbed.read(clinic)))
    CliRunner().invoke(main, ["generate", "--project-dir", str(clinic)], catch_exceptions=False)
    assert set(tables) == {"patients", "stays", "visits", "nobody"}
    for name, made in tables.items():
        written = pd.read_csv(clinic / "seeds" / f"{name}.csv", dtype=str, keep_default_na=False)
        assert list(written.columns) == list(made.columns)
        assert len(written) == len(made)
        assert list(made.index) == list(range(len(made)))
    patients = pd.read_csv(clinic / "seeds" / "patients.csv", dtype=str, keep_default_na=False)
    made = tables["patients"]
    assert list(patients["code"]) == list(made["code"])
    assert [float(text) for text in patients["weight"]] == list(made["weight"])
    assert list(patients["born"]) == list(made["born"].dt.strftime("%Y-%m-%d"))
    assert list(patients["seen `at"] == "") == list(made["seen `at"].isna())


def test_every_type_has_its_own(clinic):
    patients = seedbed.generate(seedbed.author(seedbed.read(clinic)))["patients"]
    assert {name: str(kind) for name, kind in patients.dtypes.items()} == {
        "id": "Int64", "code": "string", "tag": "string", "born": "datetime64[s]", "seen `at": "datetime64[s]",
        "zoned": "datetime64[s, UTC]", "hour": "object", "weight": "float64", "score": "float64", "steps": "Int64",
        "active": "boolean", "document": "string", "ward": "string",
    }  # fmt: skip
    assert isinstance(patients["hour"][0], dt.time)
    assert patients["seen `at"].isna().any()


def test_decimals_are_the_nearest_numbers_and_exact_in_arrow(clinic):
    plan = seedbed.author(seedbed.read(clinic))
    exact = seedbed.generate_arrow(plan)["patients"]["weight"].to_pylist()
    assert all(isinstance(value, Decimal) for value in exact)
    assert seedbed.generate(plan)["patients"]["weight"].tolist() == [float(value) for value in exact]


def test_tables_that_are_missing_values_know_it(clinic):
    columns = {"steps": "integer(1, 9, null=0.5)", "active": "boolean(1, null=0.5)"}
    own = yaml.safe_load(HEAD) | {"tables": {"patients": {"rows": 300, "columns": columns}}}
    patients = seedbed.generate(seedbed.author(seedbed.read(clinic), plan=own))["patients"]
    assert str(patients["steps"].dtype) == "Int64"
    assert 0.2 < patients["steps"].isna().mean() < 0.8
    assert patients["active"].dropna().all()
    assert patients["active"].isna().any()


def test_sizes_are_those_of_the_command_line(clinic):
    plan = seedbed.author(seedbed.read(clinic))
    grown = seedbed.generate(plan, rows={"patients": 400}, select=["patients"])
    assert list(grown) == ["patients"]
    assert len(grown["patients"]) == 400
    pd.testing.assert_frame_equal(grown["patients"][:300], seedbed.generate(plan)["patients"])


def test_days_may_be_texts(clinic):
    plan = seedbed.author(seedbed.read(clinic))
    one, other = (seedbed.resolve(plan, as_of=day) for day in ("2027-01-01", dt.date(2027, 1, 1)))
    assert one.as_of == other.as_of == dt.date(2027, 1, 1)
    assert len(seedbed.generate(plan, select=["patients"], as_of="2027-01-01")["patients"]) == 450
    feed = seedbed.resolve(plan, as_of="2027-01-01", since="2025-12-31")
    assert feed.extract.since == dt.date(2025, 12, 31)
    schema = seedbed.read_text(erd=ERD)
    assert str(seedbed.author(schema, today="2026-06-30")) == str(seedbed.author(schema, today=TODAY))


@pytest.mark.parametrize("day", ["soon", "01/02/2027", "", 2027, [1]])
@pytest.mark.parametrize("name", ["as_of", "since"])
def test_what_is_no_day_is_refused(name, day):
    plan = seedbed.author(seedbed.read_text(erd=ERD), today=TODAY)
    with pytest.raises(seedbed.SeedbedError, match=f'^{name} is {re.escape(repr(day))}: give a date, .* "2026-12-31"'):
        seedbed.generate(plan, **{name: day})


def test_a_step_that_was_left_out_is_named():
    schema = seedbed.read_text(erd=ERD)
    plan = seedbed.author(schema, today=TODAY)
    for step in (seedbed.generate, seedbed.generate_arrow, seedbed.resolve, seedbed.save_plan):
        with pytest.raises(seedbed.SeedbedError, match=r"^plan is a Schema: give .* seedbed.author\(schema\) gives"):
            step(schema)
    with pytest.raises(seedbed.SeedbedError, match=r"^schema is 'shop': give .* seedbed.read\(folder\)"):
        seedbed.author("shop")
    with pytest.raises(seedbed.SeedbedError, match=r"^resolved is a Planned: give .* seedbed.resolve\(plan\)"):
        seedbed.write_seeds(plan)
    with pytest.raises(seedbed.SeedbedError, match=r"^plan is \[1\]: give a mapping .* or a file"):
        seedbed.author(schema, plan=[1])


def test_a_diagram_alone_is_enough():
    tables = seedbed.generate(seedbed.author(seedbed.read_text(erd=ERD), today=TODAY))
    assert set(tables) == {"CUSTOMERS", "ORDERS"}
    assert tables["ORDERS"]["customer_id"].isin(tables["CUSTOMERS"]["customer_id"]).all()


def test_what_the_page_shows_can_be_run():
    page = (Path(__file__).parents[2] / "docs" / "python.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.S)
    (read,) = (block for block in blocks if "read_text" in block)
    (plan,) = (block for block in blocks if "plan={" in block)
    names = {"seedbed": seedbed}
    exec(read + plan, names)
    tables = seedbed.generate(names["plan"])
    assert len(tables["ORDERS"]) > 4 * len(tables["CUSTOMERS"])
    assert tables["ORDERS"]["amount"].median() == pytest.approx(40, rel=0.2)


def test_a_property_file_and_a_diagram_are_one_schema():
    schema = seedbed.read_text(erd=f"# Shop\n```mermaid\n{ERD}```\n", yaml=YAML)
    assert sorted(table.name for table in schema) == ["ORDERS", "customers"]
    (key,) = schema.table("ORDERS").foreign_keys
    assert key.parent == "customers"


def test_one_file_is_enough(tmp_path):
    (tmp_path / "shop.mmd").write_text(ERD)
    (tmp_path / "shop.yml").write_text(YAML)
    assert [table.name for table in seedbed.read(tmp_path / "shop.mmd")] == ["CUSTOMERS", "ORDERS"]
    assert [table.name for table in seedbed.read(str(tmp_path / "shop.yml"))] == ["customers"]


@pytest.mark.parametrize(
    ("text", "said"),
    [({}, "give erd="), ({"yaml": "seeds: []"}, "No table with columns"), ({"yaml": "seeds: ["}, "yaml.yml:2")],
)
def test_text_without_a_table_is_refused(text, said):
    with pytest.raises(seedbed.SeedbedError, match=said):
        seedbed.read_text(**text)


def test_the_seed_decides_the_values():
    schema = seedbed.read_text(erd=ERD)
    one, again, other = (seedbed.generate(seedbed.author(schema, seed=n, today=TODAY))["ORDERS"] for n in (3, 3, 4))
    pd.testing.assert_frame_equal(one, again)
    assert (one["amount"].head(20) != other["amount"].head(20)).any()
    with pytest.raises(seedbed.SeedbedError, match="-1 is not a whole number"):
        seedbed.author(schema, seed=-1)


def test_rules_in_words_are_heard():
    schema = seedbed.read_text(
        yaml="""
        seeds:
          - name: visits
            columns:
              - {name: visit_id, data_type: integer, data_tests: [unique]}
              - {name: case_id, data_type: integer}
              - {name: person, data_type: varchar}
        """
    )
    told = seedbed.author(schema, rules=["a case belongs to one person"], today=TODAY)
    assert told.plan.tables["visits"].columns["person"].varies_by == "case_id"
    assert seedbed.author(schema, today=TODAY).plan.tables["visits"].columns["person"].varies_by is None


def test_a_plan_of_ones_own_decides_and_the_rest_is_decided_for_it():
    own = {"start": dt.date(2024, 1, 1), "as_of": "2024-12-31", "tables": {"CUSTOMERS": {"rows": 5}}}
    plan = seedbed.author(seedbed.read_text(erd=ERD), plan=own)
    assert len(seedbed.generate(plan)["CUSTOMERS"]) == 5
    assert "rows: 5" in str(plan)
    assert str(seedbed.author(seedbed.read_text(erd=ERD), plan=str(plan))) == str(plan)


def test_what_is_wrong_in_a_plan_of_ones_own_is_named():
    own = {"start": "2024-01-01", "as_of": "2024-12-31", "tables": {"ORDERS": {"columns": {"amount": "lognormal(-1)"}}}}
    with pytest.raises(seedbed.SeedbedError, match=r"the plan: error \[invalid-plan\] tables.ORDERS.columns.amount"):
        seedbed.author(seedbed.read_text(erd=ERD), plan=own)


def test_an_llm_is_asked_where_one_is_wanted(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    schema = seedbed.read_text(yaml=yaml.safe_dump(CASES["project"]))
    told = []
    with LlmServer(reply({})) as server:
        monkeypatch.setenv("SEEDBED_LLM_BASE_URL", server.url)
        plan = seedbed.author(schema, llm="some-model", today=TODAY, tell=told.append)
        (request,) = server.requests
    assert request.body["model"] == "some-model"
    assert plan.summary.decided == plan.summary.asked > 0
    assert told


def test_warnings_point_at_the_line_that_called(tmp_path):
    project = write_project(tmp_path / "shop", {"seeds/_seeds.yml": YAML + "    colour: red\n"})
    with pytest.warns(seedbed.SeedbedWarning, match="colour") as caught:
        seedbed.read(project)
    assert {found.filename for found in caught} == {__file__}


def test_seeds_and_plan_can_be_written_and_checked(clinic):
    (clinic / "seedbed.yml").unlink()
    plan = seedbed.author(seedbed.read(clinic), today=TODAY)
    assert seedbed.save_plan(plan) == clinic / "seedbed.yml"
    resolved = seedbed.resolve(plan)
    assert {written.table for written in seedbed.write_seeds(resolved).written} >= {"patients", "stays"}
    assert {finding.status for finding in seedbed.check_seeds(resolved)} <= {"passed", "nothing to check"}


def test_text_has_no_project_to_write_to():
    plan = seedbed.author(seedbed.read_text(erd=ERD), today=TODAY)
    for step in (lambda: seedbed.save_plan(plan), lambda: seedbed.write_seeds(seedbed.resolve(plan))):
        with pytest.raises(seedbed.SeedbedError, match="no project to write to"):
            step()


def test_without_pandas_the_cure_is_named():
    code = (
        "import sys, seedbed, datetime as dt\n"
        "class NoPandas:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'pandas': raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, NoPandas())\n"
        f"plan = seedbed.author(seedbed.read_text(erd={ERD!r}), today=dt.date(2026, 6, 30))\n"
        "print(len(seedbed.generate_arrow(plan)))\n"
        "seedbed.generate(plan)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "2\n"
    assert "pip install 'dbt-seedbed[pandas]'" in done.stderr


def test_floats_that_are_missing_are_nan(clinic):
    table = {"rows": 40, "columns": {"fee": "uniform(1, 9, null=0.5)"}}
    own = yaml.safe_load(HEAD) | {"tables": {"visits": table}}
    visits = seedbed.generate(seedbed.author(seedbed.read(clinic), plan=own))["visits"]
    assert visits["fee"].dtype == np.float64
    assert visits["fee"].isna().any()
