"""The command that has rows written outright: `rows`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from seedbed import api, direct, explanation
from seedbed.authoring.client.endpoint import read_endpoint
from seedbed.authoring.llm.rows import MOST_WRITTEN
from seedbed.cli.options import Opened, opens_project, today
from seedbed.cli.talk import spoken_count
from seedbed.errors import AuthoringError
from seedbed.homes import config_home


@click.command()
@click.argument("table")
@click.option(
    "-n", "count", type=click.IntRange(1, MOST_WRITTEN), default=20, show_default=True, help="About how many rows."
)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="The CSV file; in the seeds folder by default."
)
@click.option("--append", is_flag=True, help="Add to the file, whose rows stay as they are and are told to the LLM.")
@click.option("--force", is_flag=True, help="Replace the file.")
@click.option("--dry-run", is_flag=True, help="Show what the call would cost; ask and write nothing.")
@click.option("--prompt", is_flag=True, help="Print the prompt, to be carried to any chat window by hand.")
@click.option("--reply", type=click.Path(dir_okay=False), help="A file with the answer to the prompt.")
@click.option("--max-tokens", type=click.IntRange(min=1), help="A hard limit on the tokens of all calls to the LLM.")
@click.option("--no-cache", is_flag=True, help="Use no replies of earlier runs, and keep none.")
@click.option("--refresh", is_flag=True, help="Ask the LLM again although it has answered before.")
@opens_project
def rows(
    opened: Opened,
    table: str,
    count: int,
    output: Path | None,
    append: bool,
    force: bool,
    dry_run: bool,
    prompt: bool,
    reply: str | None,
    max_tokens: int | None,
    no_cache: bool,
    refresh: bool,
) -> None:
    """Have an LLM write the rows of one table, as a seed that then counts as written by hand.

    For a short table that is wanted quickly; the plan is the better way for many rows, and for what grows. Each value
    is held against the project: types, accepted values, ranges, unique keys, and foreign keys against the seeds that
    are there, whose keys are told to the LLM. Nothing is written unless all rows hold. Without an endpoint the prompt
    is printed; pass its answer with --reply.
    """
    if append and force:
        raise click.UsageError("--append adds to the file and --force replaces it; give one of them")
    talk = opened.talk
    wanted = direct.want_rows(opened.schema, table, count, today=today(), output=output, append=append, force=force)
    endpoint = None
    if not reply:
        try:
            endpoint = read_endpoint(os.environ, config_home(os.environ))
        except AuthoringError:
            prompt = True
    if dry_run:
        for line in explanation.spoken_calls([wanted.request], endpoint, every=True):
            talk.say(line)
        return
    talk.report(wanted.notes, notes=opened.notes)
    by_hand = (reply,) if reply else () if prompt else None
    answered = direct.ask_rows(wanted, api.LlmOptions(max_tokens, not no_cache, refresh, by_hand))
    for item in answered.prompts:
        again = item.request.attempt > 0
        said = item.request.messages[-1].content if again else item.text
        if talk.as_json:
            talk.say(said, key=item.key)
        else:
            click.echo(f"The answer cannot be used. Say in the same chat:\n\n{said}\n" if again else said)
    if answered.prompts:
        if reply:
            raise AuthoringError("Nothing was written. Save the new answer, and give it to --reply.")
        return
    written = direct.save_rows(wanted, answered)
    shown = os.path.relpath(wanted.path, opened.schema.project.root)
    talk.say(
        f"{'added' if append else 'wrote'} {spoken_count(written, 'row')}: {shown} ({answered.total})", file=wanted.path
    )
    talk.say("next: dbt seed")
