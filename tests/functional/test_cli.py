"""The commands, on a small project in a temporary folder."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
import yaml
from click.testing import CliRunner

from processes import alive, comes_true
from seedbed.cli import main
from worlds import write_project

SHOP = {
    "models/sources.yml": """
        sources:
          - name: crm
            schema: main
            tables:
              - name: customers
                description: People who buy from us.
                columns:
                  - {name: customer_id, description: Primary key, data_tests: [unique, not_null]}
                  - {name: email, description: Where we write to}
                  - {name: status, description: "1 new, 2 active, 3 gone"}
        """,
    "seeds/_seeds.yml": """
        seeds:
          - name: orders
            columns:
              - {name: order_id, data_type: integer, data_tests: [unique, not_null]}
              - name: customer_id
                data_type: integer
                data_tests:
                  - relationships: {arguments: {to: "source('crm', 'customers')", field: customer_id}}
              - {name: ordered_at, data_type: timestamp}
              - {name: shipped_at, data_type: timestamp, description: Always after ordered_at; null while it is packed.}
              - {name: amount, data_type: "decimal(10,2)"}
        """,
}


def run(folder: Path, *arguments: str):
    return CliRunner().invoke(main, [*arguments, "--project-dir", str(folder)], catch_exceptions=False)


@pytest.fixture
def shop(tmp_path):
    return write_project(tmp_path / "shop", SHOP)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "seeds").iterdir())}


def test_generate_needs_no_plan_and_says_so(shop):
    done = run(shop, "generate")
    assert done.exit_code == 0, done.output
    assert "there is no seedbed.yml" in done.output
    assert {"orders.csv", "crm__customers.csv", "_seedbed.yml"} <= set(files(shop))
    assert "next: dbt seed --threads 1 && dbt build" in done.output


def test_generate_again_changes_nothing(shop):
    run(shop, "generate")
    before = files(shop)
    done = run(shop, "generate", "--workers", "2")
    assert files(shop) == before
    assert "unchanged" in done.output


def test_a_selection_leaves_the_other_seeds(shop):
    run(shop, "generate")
    before = files(shop)
    (shop / "seeds" / "orders.csv").unlink()
    assert run(shop, "generate", "--select", "orders").exit_code == 0
    assert files(shop) == before
    done = run(shop, "generate", "--select", "oders")
    assert done.exit_code == 1
    assert "orders" in done.output


def test_check_verifies_what_was_written(shop):
    run(shop, "generate")
    done = run(shop, "check")
    assert done.exit_code == 0, done.output
    assert "promises hold" in done.output
    path = shop / "seeds" / "orders.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[-1]]) + "\n")
    done = run(shop, "check")
    assert done.exit_code == 1
    assert "orders" in done.output
    assert "order_id: 1 of" in done.output


def test_check_shows_guilty_rows_by_column(shop):
    run(shop, "generate")
    path = shop / "seeds" / "orders.csv"
    path.write_text(path.read_text() + path.read_text().splitlines()[-1] + "\n")
    output = run(shop, "check").output
    assert "  order_id = " in output
    assert "{'" not in output


@pytest.mark.parametrize("others", [["generate", "--format", "parquet"], ["plan"]])
def test_check_says_that_there_are_no_seeds(shop, others):
    assert run(shop, *others).exit_code == 0
    done = run(shop, "check")
    assert done.exit_code == 1
    assert f"{shop / 'seeds'} holds none of the plan's CSV seeds" in done.output
    assert "run `seedbed generate`" in done.output
    assert "rows break it" not in done.output


@contextlib.contextmanager
def _generating(project, workers):
    """A process that makes more rows than there is time for, once it has begun to write them."""
    before = files(project)
    command = [sys.executable, "-m", "seedbed", "generate", "--rows", "crm.customers=40000000", "--workers", workers]
    with subprocess.Popen(
        [*command, "--project-dir", project], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            while process.poll() is None and len(list((project / "seeds").iterdir())) == len(before):
                time.sleep(0.05)
            yield process
        finally:
            process.kill()


def _worker_of(process):
    """The process that this one has started, as soon as there is one."""
    while process.poll() is None:
        for path in Path(f"/proc/{process.pid}/task").glob("*/children"):
            if child := path.read_text().split():
                return int(child[0])
        time.sleep(0.05)
    raise AssertionError("it started no other")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_interrupt_while_rows_are_made_leaves_the_files(shop, workers):
    run(shop, "generate")
    before = files(shop)
    with _generating(shop, workers) as process:
        child = _worker_of(process) if workers == "2" and sys.platform == "linux" else None
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert process.returncode == 130, said
    assert said.endswith("Stopped; files are as they were before.\n")
    assert "Traceback" not in said
    assert files(shop) == before
    # An interrupt while it is started leaves it to find its input closed.
    assert child is None or comes_true(lambda: not alive(child))


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes where Linux shows them")
def test_a_worker_that_the_system_ends_leaves_the_files(shop):
    run(shop, "generate")
    before = files(shop)
    with _generating(shop, "2") as process:
        os.kill(_worker_of(process), signal.SIGKILL)
        _, said = process.communicate()
    assert process.returncode == 1, said
    assert "A worker process ended by signal 9 before its work was done" in said
    assert "Traceback" not in said
    assert files(shop) == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
@pytest.mark.parametrize("module", ["seedbed.cli", "seedbed.cli.generating"])
def test_an_interrupt_while_modules_are_imported_shows_no_traceback(module):
    code = """
import os, signal, sys
from seedbed.__main__ import run
module, sys.argv[1] = sys.argv[1], "generate"
class Interrupt:
    def find_spec(self, name, *_):
        if name == module:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
run()
"""
    done = subprocess.run([sys.executable, "-c", code, module], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "Stopped; files are as they were before.\n")


def test_a_plan_is_written_checked_and_kept(shop):
    assert run(shop, "plan", "--check").exit_code == 1
    assert run(shop, "plan").exit_code == 0
    assert run(shop, "plan", "--check").exit_code == 0
    plan = yaml.safe_load((shop / "seedbed.yml").read_text())
    assert set(plan["tables"]) == {"crm.customers", "orders"}
    text = (shop / "seeds" / "_seeds.yml").read_text()
    (shop / "seeds" / "_seeds.yml").write_text(text + "      - {name: channel, description: web or store}\n")
    done = run(shop, "plan", "--check")
    assert done.exit_code == 1
    assert "channel" in done.output
    assert run(shop, "plan").exit_code == 0
    new = yaml.safe_load((shop / "seedbed.yml").read_text())
    assert new["tables"]["orders"]["columns"].pop("channel")
    assert new["tables"]["orders"]["columns"] == plan["tables"]["orders"]["columns"]


def test_rows_scale_and_as_of(shop):
    run(shop, "generate", "--rows", "crm.customers=7")
    assert len((shop / "seeds" / "crm__customers.csv").read_text().splitlines()) == 8
    done = run(shop, "generate", "--rows", "crm.customers")
    assert done.exit_code == 2
    done = run(shop, "generate", "--as-of", "1999-01-01")
    assert done.exit_code == 1
    assert "as-of-too-early" in done.output


def test_explain_says_where_decisions_come_from(shop):
    assert "orders" in run(shop, "explain").output
    done = run(shop, "explain", "orders.customer_id")
    assert "customer_id of" in done.output
    assert "seeds/_seeds.yml" in done.output
    done = run(shop, "explain", "orders.custmer_id")
    assert done.exit_code == 1
    assert "Did you mean customer_id?" in done.output


def test_init_prepares_a_project(shop):
    done = run(shop, "init")
    assert done.exit_code == 0, done.output
    assert (shop / "seedbed.yml").exists()
    assert (shop / "seedbed" / "dbt" / "dbt_project.yml").exists()
    assert yaml.safe_load((shop / "packages.yml").read_text())["packages"] == [{"local": "seedbed/dbt"}]
    assert "there already" in run(shop, "init").output


def test_json_speaks_one_object_a_line(shop):
    done = run(shop, "generate", "--log-format", "json")
    lines = [json.loads(line) for line in done.output.splitlines()]
    assert {line["table"] for line in lines if "table" in line} == {"orders", "crm.customers"}
    (shop / "dbt_project.yml").write_text("name: [")
    done = run(shop, "generate", "--log-format", "json")
    assert done.exit_code == 1
    assert any(json.loads(line).get("code") == "yaml-syntax" for line in done.output.splitlines())


def test_a_hand_written_seed_is_never_touched(shop):
    own = shop / "seeds" / "orders.csv"
    own.write_text("order_id,customer_id\n1,1\n")
    done = run(shop, "generate")
    assert own.read_text() == "order_id,customer_id\n1,1\n"
    assert done.exit_code == 0
    assert "orders.csv" not in done.output


def test_no_file_is_half_written_when_one_table_fails(shop):
    run(shop, "plan")
    path = shop / "seedbed.yml"
    plan = yaml.safe_load(path.read_text())
    plan["tables"]["orders"]["columns"]["amount"] = "sql('1 / (order_id - order_id)')"
    path.write_text(yaml.safe_dump(plan, sort_keys=False))
    done = run(shop, "generate")
    assert done.exit_code == 1
    assert "amount" in done.output
    assert not (shop / "seeds" / "crm__customers.csv").exists()


BAD = {
    "no project": ({"dbt_project.yml": None}, "--project-dir"),
    "broken YAML": ({"seeds/_seeds.yml": "seeds:\n  - name: [\n"}, "_seeds.yml:"),
    "two tables of one name": (
        {"seeds/a.yml": "seeds: [{name: t, columns: [{name: id}]}]", "seeds/b.yml": "seeds: [{name: t}]"},
        "b.yml",
    ),
    "unknown entity of a history": (
        {
            "seeds/_seeds.yml": """
            seeds:
              - name: h
                config:
                  meta: {seedbed: {history: {entity: cas_id, state: s, valid_from: f, transitions: {a: {b: 1}}}}}
                columns: [{name: case_id}, {name: s}, {name: f}]
            """
        },
        "did you mean case_id?",
    ),
    "row of a matrix that sums to 1.1": (
        {
            "seeds/_seeds.yml": """
            seeds:
              - name: h
                config:
                  meta:
                    seedbed:
                      history: {entity: id, state: s, valid_from: f, transitions: {a: {b: 0.6, c: 0.5}}}
                columns: [{name: id}, {name: s}, {name: f}]
            """
        },
        "1.1",
    ),
    "unknown key of an annotation": (
        {"seeds/_seeds.yml": "seeds: [{name: t, config: {meta: {seedbed: {rowz: 5}}}, columns: [{name: id}]}]"},
        "did you mean rows?",
    ),
    "unknown generator": (
        {
            "seeds/_seeds.yml": "seeds: [{name: t, columns: [{name: id}]}]",
            "seedbed.yml": "version: 1\nstart: 2024-01-01\nas_of: 2025-01-01\n"
            "tables: {t: {rows: 3, columns: {id: sequenc()}}}\n",
        },
        "did you mean sequence?",
    ),
    "endpoint in the plan": (
        {"seedbed.yml": "version: 1\nstart: 2024-01-01\nas_of: 2025-01-01\nllm: {base_url: 'http://x'}\n"},
        "seedbed.yml:4",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_a_message_and_no_traceback(tmp_path, name):
    changes, speaks_of = BAD[name]
    folder = write_project(tmp_path, {key: text for key, text in changes.items() if text is not None})
    if changes.get("dbt_project.yml", "") is None:
        (folder / "dbt_project.yml").unlink()
    done = run(folder, "generate")
    assert done.exit_code == 1, done.output
    assert speaks_of in done.output
    assert not (folder / "seeds").exists() or not list((folder / "seeds").glob("*.csv"))


def test_an_empty_project_has_nothing_to_generate(tmp_path):
    folder = write_project(tmp_path, {})
    done = run(folder, "generate")
    assert done.exit_code == 0
    assert "nothing to generate" in done.output


def test_reserved_words_and_spaces_are_names_like_others(tmp_path):
    folder = write_project(
        tmp_path,
        {"seeds/s.yml": "seeds: [{name: order, columns: [{name: select}, {name: Unit Price, data_type: real}]}]"},
    )
    done = run(folder, "generate", "--rows", "order=3")
    assert done.exit_code == 0, done.output
    assert (folder / "seeds" / "order.csv").read_text().splitlines()[0] == 'select,"Unit Price"'


def test_no_rows_are_no_rows(tmp_path):
    folder = write_project(tmp_path, {"seeds/s.yml": "seeds: [{name: t, columns: [{name: id, data_tests: [unique]}]}]"})
    assert run(folder, "generate", "--rows", "t=0").exit_code == 0
    assert (folder / "seeds" / "t.csv").read_text() == "id\n"
    done = run(folder, "check", "--rows", "t=0")
    assert done.exit_code == 0
    assert "nothing to check" in done.output


def test_sources_are_loaded_into_the_target(shop):
    (shop / "dbt_project.yml").write_text("name: shop\nversion: '1.0'\nprofile: shop\n")
    database = shop / "shop.duckdb"
    (shop / "profiles.yml").write_text(
        f"shop: {{target: dev, outputs: {{dev: {{type: duckdb, path: '{database.as_posix()}'}}}}}}\n"
    )
    for count in (7, 9):
        done = run(shop, "load", "--rows", f"crm.customers={count}")
        assert done.exit_code == 0, done.output
        with duckdb.connect(str(database), read_only=True) as connection:
            assert connection.sql("select count(*) from main.customers").fetchall() == [(count,)]
    assert not (shop / "seeds" / "crm__customers.csv").exists()


def test_sources_are_written_as_parquet_with_what_to_add(shop):
    done = run(shop, "generate", "--format", "parquet")
    assert done.exit_code == 0, done.output
    assert "external_location" in done.output
    file = shop / "seedbed" / "data" / "crm__customers.parquet"
    assert duckdb.sql(f"select count(*) from '{file.as_posix()}'").fetchall()[0][0] > 0
    assert "next: add the external_location lines to the sources, then dbt build" in done.output
    assert run(shop, "generate", "--output", "x").exit_code == 2
    sources = shop / "models" / "sources.yml"
    place = "    config: {meta: {external_location: 'seedbed/data/crm__{name}.parquet'}}\n"
    sources.write_text(sources.read_text().replace("    schema: main\n", "    schema: main\n" + place))
    done = run(shop, "generate", "--format", "parquet")
    assert "next: dbt build" in done.output


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("nosuch", "There are orders, crm.customers"),
        ("ordres", "Did you mean orders?"),
        ("orders.amonut", "Did you mean amount?"),
        ("orders.xyz", "It has order_id, customer_id, ordered_at, shipped_at, amount."),
    ],
)
def test_explain_names_what_there_is(shop, what, said):
    done = run(shop, "explain", what)
    assert done.exit_code == 1
    assert said in done.output


def test_quiet_tells_no_notes(shop):
    assert run(shop, "generate", "--format", "parquet", "--quiet", "--notes").output == ""
