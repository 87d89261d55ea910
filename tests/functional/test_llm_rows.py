"""`seedbed plan --author llm` where short tables are written outright: files, budget, ledger, a person's edits."""

import csv
import json

import pytest
from click.testing import CliRunner

from listings import BRANCH, BRANCHES_FILE, COLUMNS, COUNTRIES_FILE, COUNTRY, PROPERTIES, changed, rows
from llm_server import said
from seedbed.cli import main
from worlds import write_project

PLAN = ("plan", "--author", "llm", "--texts", "0")


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name in ("SEEDBED_LLM_BASE_URL", "SEEDBED_LLM_MODEL", "SEEDBED_LLM_API_KEY", "SEEDBED_LLM_REPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return write_project(tmp_path / "shop", {"seeds/_seeds.yml": PROPERTIES})


def run(project, *arguments):
    return CliRunner().invoke(main, [*arguments, "--project-dir", str(project)], catch_exceptions=False)


def test_rows_are_written_beside_the_plan_and_generated_from(project, serve):
    with serve({"say": COLUMNS}, rows(COUNTRY, BRANCH)) as server:
        done = run(project, *PLAN)
        assert done.exit_code == 0, done.output
        assert f"wrote {BRANCHES_FILE}" in done.output
        assert "writing rows of country, branch (1 of 1)" in done.output
        again = run(project, *PLAN)
        assert len(server.requests) == 2
    assert "nothing is left for an LLM to decide" in again.output
    assert run(project, "plan", "--check").exit_code == 0
    assert (project / COUNTRIES_FILE).read_text(encoding="utf-8") == "code,name\nDE,Germany\nSE,Sweden\n"
    text = (project / "seedbed.yml").read_text(encoding="utf-8")
    assert f"rows: from('{BRANCHES_FILE}')" in text
    assert run(project, "generate", "--scale", "4").exit_code == 0
    with (project / "seeds" / "branch.csv").open(encoding="utf-8", newline="") as lines:
        _, *written = csv.reader(lines)
    assert written == [["1", "Köln", "DE", "gold", "1998-05-01"], ["2", "Malmö", "SE", "silver", ""]]
    assert run(project, "check").exit_code == 0


def test_the_budget_keeps_what_was_paid_for(project, serve):
    paid = {"prompt_tokens": 4_000, "completion_tokens": 1_000}
    columns = {"events": [*said(COLUMNS, usage=False), {"choices": [], "usage": paid}]}
    with serve(columns, rows(COUNTRY, BRANCH)) as server:
        estimates = [line.split()[0] for line in run(project, *PLAN, "--dry-run").output.splitlines() if " out" in line]
        assert estimates == ["columns", "rows", "estimate:"]
        done = run(project, *PLAN, "--max-tokens", "5500")
        assert done.exit_code == 1
        assert "--max-tokens" in done.output
        assert len(server.requests) == 1
        assert not (project / BRANCHES_FILE).exists()
        assert "by: llm" in (project / "seedbed.yml").read_text(encoding="utf-8")
        resumed = run(project, *PLAN)
        assert resumed.exit_code == 0, resumed.output
        assert len(server.requests) == 2
    assert (project / BRANCHES_FILE).exists()


def test_the_ledger_shows_each_call(project, serve):
    script = {"say": COLUMNS}, rows(COUNTRY, changed(BRANCH)), rows(COUNTRY, BRANCH)
    with serve(*script):
        done = run(project, *PLAN, "--ledger")
        assert "  columns 1: 100 tokens in (40 of them seen before by the provider), 20 out" in done.output
        assert "  rows 1, repair 1: 100 tokens in" in done.output
        again = run(project, *PLAN, "--fresh", "--log-format", "json")
    calls = [fields for line in again.output.splitlines() if "call" in (fields := json.loads(line))]
    assert [(call["call"], call["recorded"]) for call in calls] == [("columns", True), ("rows", True)]


def test_an_edited_file_is_kept_even_when_planned_afresh(project, serve):
    with serve({"say": COLUMNS}, rows(COUNTRY, BRANCH)):
        run(project, *PLAN)
    path = project / BRANCHES_FILE
    path.write_text(path.read_text(encoding="utf-8") + "Ulm,DE,gold,\n", encoding="utf-8")
    with serve({"say": COLUMNS}, rows(COUNTRY)) as server:
        done = run(project, *PLAN, "--fresh", "--no-cache")
        assert done.exit_code == 0, done.output
        assert '"branch": [' not in "".join(received.body["messages"][1]["content"] for received in server.requests)
    assert path.read_text(encoding="utf-8").endswith("Ulm,DE,gold,\n")
    assert run(project, "generate").exit_code == 0
    assert "Ulm" in (project / "seeds" / "branch.csv").read_text(encoding="utf-8")


def test_rows_can_be_answered_by_hand(project, tmp_path):
    prompts = run(project, "prompt", "--texts", "0").output
    assert "rows 1 ===" in prompts
    for name, text in (("columns", COLUMNS), ("rows", rows(COUNTRY, BRANCH)["say"])):
        (tmp_path / f"{name}.json").write_text(text, encoding="utf-8")
    answers = [part for name in ("columns", "rows") for part in ("--reply", str(tmp_path / f"{name}.json"))]
    done = run(project, "plan", "--texts", "0", *answers)
    assert done.exit_code == 0, done.output
    assert (project / BRANCHES_FILE).exists()
