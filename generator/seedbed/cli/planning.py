"""The commands about the plan: `init`, `plan`, `prompt`, `explain`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import click

from seedbed import api, explanation, installation
from seedbed.authoring.client.calls import Request
from seedbed.cli.options import Opened, Wanted, opens_project, resolve, today
from seedbed.cli.talk import spoken_count
from seedbed.errors import AuthoringError, PlanError, ProjectError, Severity


@click.command()
@opens_project
def init(opened: Opened) -> None:
    """Set a project up: write its plan, and the dbt package with Seedbed's tests.

    Writes seedbed.yml if there is none, a copy of the seedbed dbt package to seedbed/dbt, and its entry in
    packages.yml. Run `dbt deps` afterwards.
    """
    planned = api.plan_project(opened.schema, today=today())
    opened.talk.report(planned.notes, notes=opened.notes)
    if planned.existed:
        opened.talk.say("seedbed.yml is there already; `seedbed plan` brings it up to date")
    else:
        path = api.save_plan(opened.schema, planned)
        opened.talk.say(f"wrote {path.name}: {spoken_count(len(planned.plan.tables), 'table')}", file=path)
    for line in installation.install_package(opened.schema.project.root):
        opened.talk.say(line)
    opened.talk.say("next: dbt deps && seedbed generate && dbt build")


_wants_texts = click.option(
    "--texts",
    type=click.IntRange(min=0, max=2_000),
    default=api.TEXTS,
    show_default=True,
    help="About how many texts the LLM writes for each column of free text; 0 for none.",
)


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail when the plan is not up to date. For CI.")
@click.option("--fresh", is_flag=True, help="Write all entries anew, but for those of a user.")
@click.option(
    "--dry-run", is_flag=True, help="Show what would change, or which calls an LLM would get; write and ask nothing."
)
@click.option(
    "--author",
    type=click.Choice(["baseline", "llm"]),
    default="baseline",
    show_default=True,
    help="Who decides what the project leaves open: rules alone, or an LLM where these only guess.",
)
@_wants_texts
@click.option("--max-tokens", type=click.IntRange(min=1), help="A hard limit on the tokens of all calls to the LLM.")
@click.option("--ledger", is_flag=True, help="Show what each call to the LLM cost.")
@click.option("--no-cache", is_flag=True, help="Use no replies of earlier runs, and keep none.")
@click.option("--refresh", is_flag=True, help="Ask the LLM again although it has answered before.")
@click.option(
    "--reply",
    multiple=True,
    metavar="[KEY=]FILE",
    help="A file with the answer to a prompt of `seedbed prompt`, in place of an endpoint; repeatable.",
)
@opens_project
def plan(
    opened: Opened,
    check: bool,
    fresh: bool,
    dry_run: bool,
    author: str,
    texts: int,
    max_tokens: int | None,
    ledger: bool,
    no_cache: bool,
    refresh: bool,
    reply: Sequence[str],
) -> None:
    """Write or update the plan, seedbed.yml.

    Only columns whose description in the project changed are planned again, and never an entry that a person wrote
    (`by: user`) or edited. With --author llm, an LLM decides what the baseline author only guesses; its endpoint comes
    from SEEDBED_LLM_BASE_URL, SEEDBED_LLM_MODEL and SEEDBED_LLM_API_KEY.
    """
    talk = opened.talk
    author = "llm" if reply else author
    requests: Sequence[Request] = ()
    if author == "llm" and (dry_run or not reply):
        requests, endpoint = api.expected_calls(opened.schema, today=today(), fresh=fresh, texts=texts)
        for line in explanation.spoken_calls(requests, endpoint, every=dry_run):
            talk.say(line)
        if dry_run:
            return
    options = api.LlmOptions(max_tokens, not no_cache, refresh, reply or None, texts)
    with talk.caller(len(requests)) if requests else nullcontext(talk.say) as tell:
        planned = api.plan_project(opened.schema, today=today(), fresh=fresh, author=author, llm=options, tell=tell)
    talk.report(planned.notes, notes=opened.notes)
    resolved, found = api.resolve_plan(opened.schema, planned)
    told = {note.message for note in planned.notes}
    talk.report([item for item in found if item.severity is Severity.WARNING and item.message not in told])
    unproved = api.prove_rules(resolved)
    if unproved:
        raise PlanError("The plan's rules cannot be kept.", unproved)
    if planned.prompts:
        for line in explanation.spoken_prompts(planned.prompts):
            talk.say(line)
        return
    for line in explanation.spoken_changes(planned.changes):
        talk.say(line)
    if planned.summary:
        for line, fields in explanation.spoken_ledger(planned.summary.calls):
            if ledger or talk.as_json:
                talk.say(line, **fields)
        talk.say(str(planned.summary))
    if check:
        if not planned.existed or planned.changes.any or planned.files:
            raise ProjectError("The plan is not up to date; run `seedbed plan` and commit seedbed.yml.")
        talk.say("seedbed.yml is up to date")
    elif not dry_run and (planned.changes.any or planned.files or not planned.existed):
        path = api.save_plan(opened.schema, planned)
        for name in (*planned.files, path.name):
            talk.say(f"wrote {name}", file=path.parent / name)
        talk.say("next: seedbed generate")
    elif not planned.changes.any:
        talk.say("seedbed.yml is up to date")
    if planned.summary and planned.summary.stopped:
        raise AuthoringError(planned.summary.stopped)


@click.command()
@click.argument("key", required=False)
@click.option("--fresh", is_flag=True, help="Ask for all entries anew, but for those of a user.")
@_wants_texts
@opens_project
def prompt(opened: Opened, key: str | None, fresh: bool, texts: int) -> None:
    """Print the prompts for an LLM, to be carried to any chat window by hand.

    Save each answer to a file, and give the files to `seedbed plan --reply FILE`. Its answer to one prompt may open
    others. KEY prints one of them without its heading.
    """
    options = api.LlmOptions(by_hand=(), texts=texts)
    planned = api.plan_project(opened.schema, today=today(), fresh=fresh, author="llm", llm=options)
    opened.talk.report(planned.notes, notes=opened.notes)
    chosen = [item for item in planned.prompts if item.key.startswith((key or "").lower())]
    if key and not chosen:
        raise AuthoringError(f"No open prompt has the key {key}; `seedbed prompt` prints those that are.")
    for item in chosen:
        if opened.talk.as_json:
            opened.talk.say(item.text, key=item.key, name=item.request.name, batch=item.request.batch)
        else:
            click.echo(item.text if key else f"=== prompt {item.title} ===\n{item.text}\n")
    if not chosen:
        opened.talk.say("no prompt is open: all are answered, or nothing is left for an LLM to decide")


@click.command()
@click.argument("what", metavar="[TABLE[.COLUMN]]", required=False)
@opens_project
def explain(opened: Opened, what: str | None) -> None:
    """Show where each decision came from: of all tables, of one, or of one column."""
    resolved = resolve(opened, Wanted())
    opened.talk.out.print(explanation.explain(opened.schema, resolved, what))
