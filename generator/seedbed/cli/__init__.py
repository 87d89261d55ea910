"""The command line, `seedbed`: a group of commands, each of which says what it does with `--help`."""

from __future__ import annotations

import click

from seedbed import __version__
from seedbed.cli.generating import check, demo, generate, load
from seedbed.cli.planning import explain, init, plan, prompt
from seedbed.cli.rows import rows
from seedbed.cli.showing import compare, export_script, report_command
from seedbed.cli.texts import pools


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


for command in (
    init,
    plan,
    prompt,
    rows,
    generate,
    load,
    check,
    explain,
    pools,
    report_command,
    compare,
    export_script,
    demo,
):
    main.add_command(command)
