"""`seedbed rows`: rows outright for one table, with an endpoint and by hand."""

import csv
import datetime as dt
import io
import json

import pytest
from click.testing import CliRunner

from seedbed import api, direct
from seedbed.cli import main
from seedbed.errors import SinkError
from shop import run_dbt, statuses
from worlds import write_project

FILES = {
    "dbt_project.yml": "name: shop\nversion: '1.0.0'\nprofile: shop\n",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n",
    "seeds/countries.csv": "code,name\nDE,Germany\nSE,Sweden\n",
    "seeds/_seeds.yml": """
        seeds:
          - name: countries
            columns:
              - {name: code, data_type: varchar, data_tests: [unique, not_null]}
          - name: branches
            columns:
              - {name: branch_id, data_type: integer, data_tests: [unique, not_null]}
              - {name: name, data_type: varchar(20), data_tests: [unique, not_null]}
              - name: country
                data_type: varchar
                data_tests: [relationships: {arguments: {to: ref('countries'), field: code}}]
        """,
}
COLUMNS = ["branch_id", "name", "country"]
GOOD = [["1", "Köln", "DE"], ["2", "Malmö", "SE"]]


def rows(*values, columns=COLUMNS):
    return {"say": json.dumps({"tables": [{"table": "branches", "columns": columns, "rows": list(values)}]})}


@pytest.fixture
def shop(tmp_path, monkeypatch):
    for name in ("SEEDBED_LLM_BASE_URL", "SEEDBED_LLM_MODEL", "SEEDBED_LLM_API_KEY", "SEEDBED_LLM_REPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return write_project(tmp_path / "shop", FILES)


def run(project, *arguments):
    return CliRunner().invoke(main, ["rows", *arguments, "--project-dir", str(project)], catch_exceptions=False)


def seed(project, name="branches"):
    return project / "seeds" / f"{name}.csv"


def test_rows_become_a_seed_that_dbt_builds(shop, serve):
    with serve(rows(*GOOD)) as server:
        done = run(shop, "branches", "-n", "2")
        assert done.exit_code == 0, done.output
        again = run(shop, "branches", "-n", "2", "--force")
    assert "wrote 2 rows: seeds/branches.csv (1 call, " in done.output
    assert "0 calls" in again.output
    assert len(server.requests) == 1
    (said,) = [message["content"] for message in server.requests[0].body["messages"][1:]]
    assert '"country": ["DE", "SE"]' in said
    assert "Write 2 rows." in said
    assert "Germany" not in said
    assert seed(shop).read_text(encoding="utf-8") == "branch_id,name,country\n1,Köln,DE\n2,Malmö,SE\n"
    built = run_dbt(shop, "build")
    assert built.returncode == 0, built.stdout
    assert set(statuses(shop)) == {"success", "pass"}


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (["3", "Oslo", "NO"], "refers to countries, which has no 'NO'"),
        (["1", "Oslo", "SE"], "branches.branch_id is to be unique, but '1' stands in lines"),
        (["x", "Oslo", "SE"], "a whole number was expected"),
        (["3", None, "SE"], "must not be null"),
        (["3", "@cmd", "SE"], "begins like a formula"),
    ],
)
def test_a_wrong_row_is_repaired_or_nothing_is_written(shop, serve, bad, told):
    with serve(rows(*GOOD, bad), rows(*GOOD)) as server:
        assert run(shop, "branches").exit_code == 0
    assert told in server.requests[1].body["messages"][-1]["content"]
    assert seed(shop).exists()
    seed(shop).unlink()
    with serve(*[rows(*GOOD, bad)] * 3):
        done = run(shop, "branches", "--no-cache")
    assert done.exit_code == 1
    assert told in done.output
    assert sorted(path.name for path in (shop / "seeds").iterdir()) == ["_seeds.yml", "countries.csv"]


def test_a_seed_is_only_replaced_when_told_to(shop, serve):
    with serve(rows(["US", "America"], columns=["code", "name"])) as server:
        done = run(shop, "countries")
        assert done.exit_code == 1
        assert "seeds/countries.csv is there already" in done.output
        assert server.requests == []
    assert seed(shop, "countries").read_text() == FILES["seeds/countries.csv"]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["\n", ""])
def test_rows_are_added_behind_what_stays_byte_for_byte(shop, serve, newline, last):
    before = f'name,branch_id,country{newline}"Bonn, West",07,DE{newline}Ulm,8,{last and newline}'.encode()
    seed(shop).write_bytes(before)
    columns = ["name", "branch_id", "country"]
    new = [["Lund", "9", "SE"], ["Kiel", "10", "DE"]]
    with serve(rows(["Ulm", "11", "DE"], columns=columns), rows(*new, columns=columns)) as server:
        done = run(shop, "branches", "--append", "-n", "2")
    assert done.exit_code == 0, done.output
    assert "added 2 rows" in done.output
    first, second = (received.body["messages"][-1]["content"] for received in server.requests)
    assert "These rows are there already; write others:" in first
    assert '["Bonn, West", "07", "DE"]' in first
    assert "branches.name is to be unique" in second
    after = seed(shop).read_bytes()
    assert after.startswith(before)
    assert (
        after == before + (b"" if last else newline.encode()) + newline.join(["Lund,9,SE", "Kiel,10,DE", ""]).encode()
    )
    assert len(list(csv.reader(io.StringIO(after.decode())))) == 5


def test_the_prompt_can_be_carried_by_hand(shop, tmp_path):
    printed = run(shop, "branches", "-n", "2")
    assert printed.exit_code == 0, printed.output
    assert "# Rows to write" in printed.output
    assert "Answer with one JSON object" in printed.output
    assert not seed(shop).exists()
    answer = tmp_path / "answer.json"
    answer.write_text(rows(*GOOD, ["3", "Oslo", "NO"])["say"], encoding="utf-8")
    for _ in range(4):
        refused = run(shop, "branches", "-n", "2", "--reply", str(answer))
        assert refused.exit_code == 1
        assert "has no 'NO'" in refused.output
        assert "Save the new answer" in refused.output
    assert not seed(shop).exists()
    answer.write_text("Here it is:\n```json\n" + rows(*GOOD)["say"] + "\n```", encoding="utf-8")
    taken = run(shop, "branches", "-n", "2", "--reply", str(answer))
    assert taken.exit_code == 0, taken.output
    assert seed(shop).read_text(encoding="utf-8").splitlines()[1:] == ["1,Köln,DE", "2,Malmö,SE"]


def test_it_says_when_the_plan_is_the_better_way(shop, serve):
    with serve(rows(*GOOD)):
        done = run(shop, "branches", "-n", "150")
    assert "better-planned" in done.output
    assert "no-longer-generated" in done.output


def test_a_generated_seed_is_left_to_the_plan(shop, serve):
    generated = CliRunner().invoke(main, ["generate", "--project-dir", str(shop)])
    assert generated.exit_code == 0, generated.output
    before = seed(shop).read_bytes()
    with serve(rows(*GOOD)) as server:
        for flag in ("--append", "--force"):
            done = run(shop, "branches", flag)
            assert done.exit_code == 1
            assert "rows: from('seedbed/rows/branches.csv')" in done.output
        assert server.requests == []
        done = run(shop, "branches", "--output", str(shop / "seedbed" / "rows" / "branches.csv"))
    assert done.exit_code == 0, done.output
    assert "no-longer-generated" not in done.output
    assert seed(shop).read_bytes() == before
    assert (shop / "seedbed" / "rows" / "branches.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["branch"], "did you mean branches?"),
        (["branches", "--append"], "is not there, so that nothing can be added"),
        (["branches", "--max-tokens", "50"], "--max-tokens"),
    ],
)
def test_what_cannot_be_done_is_said_and_costs_nothing(shop, serve, arguments, said):
    with serve(rows(*GOOD)) as server:
        done = run(shop, *arguments)
    assert done.exit_code == 1
    assert said in done.output
    assert server.requests == []
    assert not seed(shop).exists()


def test_a_dry_run_says_what_it_would_cost(shop, serve):
    with serve(rows(*GOOD)) as server:
        done = run(shop, "branches", "--dry-run")
    assert "rows 1: about" in done.output
    assert server.requests == []


def test_a_seed_that_changes_meanwhile_is_not_overwritten(shop):
    """Somebody saves the file while the LLM is thinking."""
    seed(shop).write_text("branch_id,name,country\n1,Ulm,DE\n")
    schema, _ = api.read_project(shop)
    wanted = direct.want_rows(schema, "branches", 1, today=dt.date(2026, 6, 30), append=True)
    seed(shop).write_text("branch_id,name,country\n1,Ulm,DE\n2,Bonn,DE\n")
    with pytest.raises(SinkError, match="was changed meanwhile"):
        direct.save_rows(wanted, direct.RowsAnswered("branch_id,name,country\n2,Lund,SE\n"))
    assert seed(shop).read_text().endswith("2,Bonn,DE\n")
