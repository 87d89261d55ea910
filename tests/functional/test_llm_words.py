"""Words by hand: a page and rules become a plan through any chat window, wrong answers and all."""

import copy
import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from seedbed.cli import main
from seedbed.plan.files import read_plan
from seedbed.plan.spec import Author
from worlds import write_project

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases/llm_chain/sabotage.yml").read_text(encoding="utf-8"))


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    properties = yaml.safe_dump(CASES["project"], sort_keys=False)
    return write_project(tmp_path / "shop", {"seeds/_seeds.yml": properties, **CASES["files"]})


def run(project, *arguments):
    return CliRunner().invoke(main, [*arguments, "--project-dir", str(project)], catch_exceptions=False)


def answer(project, value, code=0):
    path = project.parent / "answer.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    done = run(project, "plan", "--texts", "0", "--reply", str(path))
    assert done.exit_code == code, done.output
    return done.output


def process(states=None):
    good = copy.deepcopy(CASES["good"]["process"])

    def listed(rows):
        pairs = ((key.partition(" -> "), row) for key, row in rows.items())
        return [{"state": state, "next": after, **row} for (state, _, after), row in pairs]

    return {"states": states or good["states"], **{part: listed(good[part]) for part in ("initial", "moves", "stays")}}


def columns():
    good = CASES["good"]
    tables = {table: {"table": table, "rows": rows, "columns": []} for table, rows in good["rows"].items()}
    for path, text in good["columns"].items():
        table, _, column = path.partition(".")
        tables[table]["columns"].append({"column": column, "generator": text})
    return {"tables": list(tables.values())}


def rules(text):
    return {"rules": [{"number": 1, "table": "order", "rule": text}]}


def test_the_whole_chain_by_hand(project):
    estimate = run(project, "plan", "--author", "llm", "--dry-run", "--texts", "0").output
    assert [line.split()[0] for line in estimate.splitlines() if line.startswith("  ")] == [
        "workflow",
        "columns",
        "rules",
    ]
    assert "What people say about the process" in run(project, "prompt", "--texts", "0").output
    said = answer(project, process(states=["placed", "lost"]), code=1)
    assert 'there is no state \\"lost\\"' in said
    assert "workflow 1, repair 1" in said
    said = answer(project, process())
    assert "columns 1" in said
    opened = next(line for line in said.splitlines() if "open: " in line)
    assert "workflow" not in opened, "the process is settled; what rests on it is asked for now"
    said = answer(project, columns())
    assert "rules 1" in said
    said = answer(project, rules("row('dispatch >= placed_at')"), code=1)
    assert "rules 1, repair 1" in said
    assert not (project / "seedbed.yml").exists()
    said = answer(project, rules("row('dispatch >= ordered_at')"))
    assert "wrote seedbed.yml" in said
    plan, _ = read_plan(project / "seedbed.yml", project)
    assert plan.tables["order"].lifecycle.by is Author.LLM
    assert [str(entry.rule) for entry in plan.rules] == ["row('dispatch >= ordered_at')"]
    explained = run(project, "explain", "order").output
    assert "Nine in ten placed orders get paid" in explained
    assert run(project, "plan", "--check").exit_code == 0
    assert run(project, "generate").exit_code == 0
    assert run(project, "check").exit_code == 0


def test_words_that_nobody_has_read_are_warned_of(project):
    done = run(project, "plan")
    assert done.exit_code == 0
    assert "workflows/order.md tells in words how order moves from state to state" in done.output
    assert 'nothing enforces the rule "No order is dispatched before it was placed."' in done.output
