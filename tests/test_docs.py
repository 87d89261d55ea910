"""What the documentation says is what the code does."""

import re
import runpy
import tomllib
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner

from seedbed import errors
from seedbed.cli import main
from seedbed.plan.spec import Plan, read_history

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.glob("*.md")])


def test_generated_pages_are_up_to_date():
    render = runpy.run_path(str(DOCS / "render.py"))
    for page, generated in render["pages"]().items():
        assert render["rewritten"](page, generated) == page.read_text(encoding="utf-8"), "run: make docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_the_docs_exist(page):
    text = page.read_text(encoding="utf-8")
    for command in re.findall(r"^\s*\$ seedbed ([\w-]+)", text, re.M) + re.findall(r"`seedbed ([\w-]+)", text):
        assert command in main.commands, f"{page.name} speaks of seedbed {command}"


def test_every_command_and_option_says_what_it_does():
    for name, later in main.commands.items():
        assert later.short_help, f"{name} has no line"
        command = later.load()
        assert command.name == name
        assert command.help, f"{name} has no help"
        for option in command.params:
            if isinstance(option, click.Option):
                assert option.help, f"{name} --{option.name} has no help"
        shown = CliRunner().invoke(main, [name, "--help"])
        assert shown.exit_code == 0


def test_the_plan_in_the_docs_is_a_plan():
    blocks = re.findall(r"```yaml\n(.*?)```", (DOCS / "plan.md").read_text(encoding="utf-8"), re.S)
    plan = next(block for block in blocks if block.startswith("version"))
    assert set(Plan.model_validate(yaml.safe_load(plan)).tables) == {"customers", "orders"}


def test_the_history_in_the_readme_is_one():
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    seeds = yaml.safe_load(next(block for block in blocks if "history:" in block))["seeds"]
    assert read_history(seeds[0]["config"]["meta"]["seedbed"]["history"]).entity == "ticket_id"


def test_the_error_tree_that_is_drawn_is_the_one_there_is():
    drawn = re.findall(r"(?:^|─ )(\w+(?:Error|Exhausted|Failed))\b", errors.__doc__ or "", re.M)
    classes = [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, errors.SeedbedError)]
    assert sorted(drawn) == sorted(cls.__name__ for cls in classes)


def test_the_floors_that_are_shown_are_those_that_are_held():
    shown = re.search(r"```text\n(cli.*?)```", (DOCS / "how-it-works.md").read_text(encoding="utf-8"), re.S)
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = settings["tool"]["importlinter"]["contracts"]
    held = [layer.replace("seedbed.", "") for layer in contract["layers"]]
    assert shown is not None
    assert shown[1].splitlines() == held
