"""The command line, `seedbed`: a group of commands, each of which says what it does with `--help`."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from seedbed import __version__
from seedbed.errors import INTERRUPTED, STOPPED


class Later(click.Command):
    """A command that is loaded when it is called; a list of commands shows its line alone, and is quick."""

    def __init__(self, name: str, home: str, line: str) -> None:
        super().__init__(name, short_help=line)
        self.home = home
        """The module below this one, and the command's name there."""

    def load(self) -> click.Command:
        """The command itself."""
        module, _, name = self.home.partition(":")
        command = getattr(importlib.import_module(f"{__name__}.{module}"), name)
        assert isinstance(command, click.Command)
        return command

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        try:
            command = self.load()
        except KeyboardInterrupt:
            click.echo(STOPPED, err=True)
            sys.exit(INTERRUPTED)
        return command.make_context(info_name, args, parent, **extra)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="seedbed")
def main() -> None:
    """Fills a dbt project with synthetic data that it can trust.

    \b
    seedbed generate      write the tables that the project documents but does not build
    dbt build             load them, test them, build the models on them

    A plan, seedbed.yml at the project's root, says how each column arises. `seedbed plan` writes it; edit it, and
    commit it. The same plan gives the same data everywhere.
    """


for later in (
    Later("init", "planning:init", "Set a project up: its plan, and the dbt package."),
    Later("plan", "planning:plan", "Write or update the plan, seedbed.yml."),
    Later("prompt", "planning:prompt", "Print the prompts for an LLM, to carry by hand."),
    Later("rows", "rows:rows", "Have an LLM write the rows of one table."),
    Later("generate", "generating:generate", "Write the seeds, or Parquet files."),
    Later("load", "generating:load", "Write tables straight into the target's database."),
    Later("check", "generating:check", "Check every promise against the written seeds."),
    Later("explain", "planning:explain", "Show where each decision came from."),
    Later("pools", "texts:pools", "Show how balanced the text pools are."),
    Later("report", "showing:report_command", "Write a page that shows the data of the plan."),
    Later("compare", "showing:compare", "Write a page that shows two plans side by side."),
    Later("export-script", "showing:export_script", "Write the plan as a short Python program."),
    Later("demo", "generating:demo", "Generate the demonstration, and build it with dbt."),
):
    main.add_command(later)
