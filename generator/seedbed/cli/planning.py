"""The commands about the plan: `init`, `plan`, `prompt`, `explain`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import nullcontext

import click

from seedbed import api, explanation, installation
from seedbed.authoring.client.by_hand import Walk
from seedbed.authoring.client.calls import Request
from seedbed.cli.options import Opened, Wanted, opens_project, resolve, today
from seedbed.cli.talk import Talk, spoken_count
from seedbed.errors import AuthoringError, Diagnostic, Location, PlanError, ProjectError, Severity


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
    is_flag=False,
    flag_value="",
    metavar="[[KEY=]FILE]",
    help="A file with the answer to a prompt of `seedbed prompt`, in place of an endpoint; repeatable. Without a "
    "file, the answers of earlier runs are used.",
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
    by_hand = tuple(filter(None, reply)) if reply else None
    options = api.LlmOptions(max_tokens, not no_cache, refresh, by_hand, texts)
    with talk.caller(len(requests)) if requests else nullcontext(talk.say) as tell:
        planned = api.plan_project(opened.schema, today=today(), fresh=fresh, author=author, llm=options, tell=tell)
    if planned.walk:
        _report_answers(talk, planned.walk, _options(texts, fresh))
        if planned.walk.open:
            talk.say(explanation.spoken_prompts(planned.walk.open))
            _go_on(talk, planned.walk, _options(texts, fresh))
            return
    talk.report(planned.notes, notes=opened.notes)
    resolved, found = api.resolve_plan(opened.schema, planned)
    told = {note.message for note in planned.notes}
    talk.report([item for item in found if item.severity is Severity.WARNING and item.message not in told])
    missing = api.missing_rows(resolved)
    unproved = [*api.prove_rules(resolved), *(item for item in missing if item.severity is Severity.ERROR)]
    if unproved:
        raise PlanError("The plan's rules cannot be kept.", unproved)
    talk.report(missing)
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
    if planned.walk and planned.walk.rejected:
        raise AuthoringError(
            f"{_rejected(planned.walk)}: the plan holds the baseline author's entries in their place.\n"
            "next: seedbed prompt says how to ask for them again, seedbed generate goes on without"
        )


def _report_answers(talk: Talk, walk: Walk, options: str) -> None:
    """Says what became of each answer; of those that cannot be used, also to a person who wants quiet."""
    for answered in walk.answered:
        said, prompt = explanation.spoken_answer(answered), answered.prompt
        if not answered.problems:
            talk.say(said, file=answered.file, key=prompt.key, name=prompt.request.name, used=True)
        elif not talk.as_json:
            click.echo(said, err=True)
        else:
            found = Diagnostic("answer-rejected", said.partition(". Say")[0], Location(answered.file))
            for problem in (found, *answered.problems):
                click.echo(json.dumps(problem.as_dict()), err=True)
    if walk.unused:
        raise explanation.unused_answer(walk, options)


def _go_on(talk: Talk, walk: Walk, options: str) -> None:
    """Says how to go on with the prompts that are open."""
    repairs = [answered for answered in walk.rejected if not answered.given_up]
    first = "save the corrected answer" if repairs else f"seedbed prompt{options} > prompt.txt, save the answer"
    next_step = f"next: {first}, and seedbed plan{options} --reply FILE"
    if walk.rejected:
        raise AuthoringError(f"{_rejected(walk)}. Nothing is written before all prompts are answered.\n{next_step}")
    talk.say(next_step)


def _rejected(walk: Walk) -> str:
    count = len(walk.rejected)
    return "An answer cannot be used" if count == 1 else f"{count} answers cannot be used"


def _options(texts: int, fresh: bool) -> str:
    """The options that the prompts depend on, where they are not as usual."""
    return (f" --texts {texts}" if texts != api.TEXTS else "") + (" --fresh" if fresh else "")


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
    walk = planned.walk
    assert walk is not None
    prompts = (*walk.open, *walk.given_up) if key else walk.open
    chosen = [item for item in prompts if item.key.startswith((key or "").lower())]
    if key and not chosen:
        raise AuthoringError(f"No open prompt has the key {key}; `seedbed prompt` prints those that are.")
    for item in chosen:
        if opened.talk.as_json:
            opened.talk.say(item.text, key=item.key, name=item.request.name, batch=item.request.batch)
        else:
            click.echo(item.text if key else f"=== prompt {item.title} ===\n{item.text}\n")
    if chosen:
        opened.talk.hint(f"next: save the answer to a file, and seedbed plan{_options(texts, fresh)} --reply FILE")
        return
    if planned.changes.any or planned.files:
        next_step = f"all prompts are answered; next: seedbed plan{_options(texts, fresh)} --reply"
    else:
        next_step = "nothing is left for an LLM to decide; next: seedbed generate"
    opened.talk.say(f"no prompt is open: {next_step}")
    for item in walk.given_up:
        opened.talk.say(
            f"no answer to {item.title} could be used; `seedbed prompt {item.key}` prints it, "
            f"`seedbed plan{_options(texts, fresh)} --reply {item.key}=FILE` takes another answer"
        )


@click.command()
@click.argument("what", metavar="[TABLE[.COLUMN]]", required=False)
@opens_project
def explain(opened: Opened, what: str | None) -> None:
    """Show where each decision came from: of all tables, of one, or of one column."""
    resolved = resolve(opened, Wanted())
    opened.talk.out.print(explanation.explain(opened.schema, resolved, what))
