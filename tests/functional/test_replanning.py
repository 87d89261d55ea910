"""`seedbed plan` after the project changed: what was read from the change is planned again, and a person's stays."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from seedbed.cli import main
from seedbed.plan.files import read_plan
from worlds import write_project

TICKETS = """
    sources:
      - name: desk
        tables:
          - name: tickets
            columns:
              - {name: ticket_id, data_type: integer, data_tests: [unique, not_null]}
              - {name: channel, data_type: varchar, data_tests: [accepted_values: {values: [web, phone]}]}
              - {name: status, data_type: varchar, data_tests: [accepted_values: {values: [open, waiting, closed]}]}
              - {name: opened_at, data_type: timestamp}
              - {name: closed_at, data_type: timestamp}
          - name: account_history
            columns:
              - {name: account_id, data_type: integer, data_tests: [not_null]}
              - {name: status, data_type: varchar, data_tests: [accepted_values: {values: [open, waiting, closed]}]}
              - {name: valid_from, data_type: timestamp}
              - {name: valid_to, data_type: timestamp}
    """
PROPERTIES = "models/tickets.yml"


@pytest.fixture
def desk(tmp_path):
    project = write_project(tmp_path / "desk", {PROPERTIES: TICKETS})
    run(project, "plan")
    return project


def run(project: Path, *arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(main, [*arguments, "--project-dir", str(project)], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


def change(project: Path, name: str, before: str, after: str) -> None:
    path = project / name
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def test_what_was_read_from_the_accepted_values_follows_them(desk):
    before, _ = read_plan(desk / "seedbed.yml", desk)
    assert "status = 'closed'" in str(before.tables["desk.tickets"].columns["closed_at"].generator)
    change(desk, PROPERTIES, "[open, waiting, closed]", "[open, escalated, solved]")
    assert "seedbed.yml is not up to date" in run(desk, "generate")
    run(desk, "plan", "--check", code=1)
    said = run(desk, "plan")
    assert "changed desk.account_history: history.states: [open, waiting, closed] -> [open, escalated, solved]" in said
    assert "changed desk.tickets.closed_at: after('opened_at', when=\"status = 'closed'\"" in said
    assert "{'" not in said.replace("choice({'", ""), "what changed is written as in the plan"
    assert "closed" not in (desk / "seedbed.yml").read_text(encoding="utf-8").replace("closed_at", "")
    run(desk, "plan", "--check")


def test_a_new_state_is_taken_in(desk):
    change(desk, PROPERTIES, "[open, waiting, closed]", "[open, waiting, held, closed]")
    run(desk, "plan")
    plan, _ = read_plan(desk / "seedbed.yml", desk)
    assert plan.tables["desk.account_history"].history.states == ("open", "waiting", "held", "closed")


def test_values_of_which_an_entry_does_not_speak_leave_it_alone(desk):
    change(desk, PROPERTIES, "[web, phone]", "[web, phone, mail]")
    lines = [line for line in run(desk, "plan").splitlines() if line.startswith("changed")]
    assert [line.partition(":")[0] for line in lines] == ["changed desk.tickets.channel"]


def test_an_edited_process_stays_and_the_message_says_what_to_do(desk):
    change(desk, "seedbed.yml", "waiting: {closed: 1.0}", "waiting: {closed: 0.9, open: 0.1}")
    change(desk, PROPERTIES, "[open, waiting, closed]", "[open, waiting, solved]")
    said = run(desk, "plan", code=1)
    assert "tables.desk.account_history.history" in said
    assert 'the state "closed" is not among the accepted values' in said
    assert "delete the table's entry from the plan: `seedbed plan` then writes it anew" in said
    text = (desk / "seedbed.yml").read_text(encoding="utf-8")
    entry = text[text.index("  desk.account_history:") : text.index("fingerprints:")]
    change(desk, "seedbed.yml", entry, "")
    run(desk, "plan")
    assert "waiting: {solved: 1.0}" in (desk / "seedbed.yml").read_text(encoding="utf-8")


def test_fingerprints_of_an_earlier_version_count_as_up_to_date(desk):
    """They say nothing of the columns that an entry speaks of."""
    path = desk / "seedbed.yml"
    head, _, prints = path.read_text(encoding="utf-8").partition("fingerprints:")
    earlier = "".join(part[8:] if index else part for index, part in enumerate(prints.split("+")))
    assert earlier != prints
    path.write_text(f"{head}fingerprints:{earlier}", encoding="utf-8")
    assert "up to date" in run(desk, "plan", "--check")
