"""The command about text pools: `pools`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click

from seedbed import api, explanation
from seedbed import pools as text_pools
from seedbed.cli.options import Opened, opens_project, today
from seedbed.errors import AuthoringError, PlanError, SinkError
from seedbed.swap import create, temporary_name


@click.command()
@click.argument("names", metavar="[POOL]...", nargs=-1)
@click.option(
    "--texts",
    type=click.IntRange(min=1, max=5_000),
    default=api.TEXTS,
    show_default=True,
    help="About how many texts a pool is to have: a stratum with fewer than its part is thin.",
)
@click.option("--rebalance", is_flag=True, help="Have the LLM write what is thin, and others where texts are alike.")
@click.option("--dry-run", is_flag=True, help="With --rebalance: show which calls the LLM would get, and ask nothing.")
@click.option("--max-tokens", type=click.IntRange(min=1), help="A hard limit on the tokens of all calls to the LLM.")
@click.option("--no-cache", is_flag=True, help="Use no replies of earlier runs, and keep none.")
@click.option("--refresh", is_flag=True, help="Ask the LLM again although it has answered before.")
@click.option(
    "--export",
    type=click.Choice(["jsonl-chat"]),
    help="Write pairs of question and answer from the generated rows, to fine-tune a chat model with.",
)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="The file for --export; the terminal otherwise."
)
@opens_project
def pools(
    opened: Opened,
    names: Sequence[str],
    texts: int,
    rebalance: bool,
    dry_run: bool,
    max_tokens: int | None,
    no_cache: bool,
    refresh: bool,
    export: str | None,
    output: Path | None,
) -> None:
    """Show how balanced the text pools are: texts and rows of each stratum, thin ones, and texts that are alike.

    Pools are the files seedbed/pools/*.jsonl that columns with pool(...) draw from. What stands in them stays;
    --rebalance adds to them. A line of --export is {"messages": [{"role": "user", "content": ...}, {"role":
    "assistant", "content": TEXT}]}; the question names the column, and gives the row's name and the values that the
    text depends on.
    """
    if (rebalance and export) or (output and not export) or (dry_run and not rebalance):
        raise click.UsageError("--rebalance (with --dry-run) and --export (with --output) are one or the other")
    planned = api.plan_project(opened.schema, today=today())
    if export:
        _write_lines(opened, planned, names, output)
        return
    if rebalance:
        _rebalance(opened, planned, names, dry_run, api.LlmOptions(max_tokens, not no_cache, refresh, texts=texts))
        return
    found = text_pools.balances(planned, texts, names)
    if not found:
        opened.talk.say("no column draws from a pool; `seedbed plan --author llm` writes them for free text")
        return
    if opened.talk.as_json:
        for item in found:
            opened.talk.say(text_pools.spoken_remarks(item), **text_pools.balance_fields(item))
    elif not opened.talk.quiet:
        opened.talk.out.print(text_pools.balance_table(found))
    if any(item.missing for item in found):
        opened.talk.say("next: seedbed pools --rebalance")


def _rebalance(opened: Opened, planned: api.Planned, names: Sequence[str], dry_run: bool, llm: api.LlmOptions) -> None:
    talk = opened.talk
    if not planned.existed or planned.changes.any:
        raise PlanError("The plan is not up to date; run `seedbed plan` first.")
    requests, endpoint = text_pools.expected_calls(planned, llm.texts)
    for line in explanation.spoken_calls(requests, endpoint, every=dry_run):
        talk.say(line)
    if dry_run or not requests:
        return
    filled = text_pools.fill_up(planned, llm, names, talk.say)
    talk.report(filled.notes, notes=opened.notes)
    assert filled.summary is not None
    if filled.files:
        api.save_plan(opened.schema, filled)
    for name in filled.files:
        talk.say(f"wrote {name}", file=name)
    talk.say(f"{filled.summary.decided:,} texts were added ({filled.summary.total})", texts=filled.summary.decided)
    if filled.summary.stopped:
        raise AuthoringError(filled.summary.stopped)


def _write_lines(opened: Opened, planned: api.Planned, names: Sequence[str], output: Path | None) -> None:
    lines = text_pools.chat_lines(planned, names)
    if output is None:
        for line in lines:
            click.echo(line)
        return
    count, temporary = 0, temporary_name(output)
    try:
        with create(temporary) as file:
            for line in lines:
                file.write(f"{line}\n".encode())
                count += 1
        os.replace(temporary, output)
    except OSError as error:
        raise SinkError(f"{output} cannot be written: {error.strerror or error}.") from error
    finally:
        temporary.unlink(missing_ok=True)
    opened.talk.say(f"wrote {count:,} pairs to {output}", file=output, pairs=count)
