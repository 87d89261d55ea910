"""Projects whose prompts an LLM has answered, once: `python tests/recorded.py` writes the prompts that wait for that.

Below tests/replies stand the answers, named by the keys of their prompts; below its `missing/`, the prompts without
one. Each project's plan, as the baseline author wrote it at the time, is a file too: what it decides is in the
prompts, and must not change them with every word that the author learns.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fifty import property_yaml
from llm_plans import baseline
from seedbed.authoring.client.by_hand import Unanswered
from seedbed.authoring.client.calls import Request
from seedbed.authoring.client.client import Client
from seedbed.authoring.client.endpoint import Endpoint
from seedbed.authoring.client.ledger import Ledger
from seedbed.authoring.client.outcomes import Unavailable
from seedbed.authoring.client.replies import RecordedReplies
from seedbed.authoring.llm.author import Summary, author_with_llm, expected_requests
from seedbed.authoring.llm.prompts import read_templates
from seedbed.plan.files import read_plan, write_plan
from seedbed.plan.spec import PLAN_FILE, Plan
from seedbed.proving import hold_to_rules, try_out
from seedbed.schema import Schema
from worlds import schema_from

TEXTS = {"hotel": 24, "ugly": 0, "claims": 24, "shop": 40, "fifty": 0}
"""The projects, and about how many texts are written for each of their columns of free text."""
CASES = Path(__file__).parent / "cases" / "llm_chain"
REPLIES = Path(__file__).parent / "replies"
ENDPOINT = Endpoint("https://recorded.invalid/v1", "recorded")
_OURS = ("schema.yml", PLAN_FILE)


class Recorded(RecordedReplies):
    """Recorded replies where one that is missing does not keep the others from being asked for.

    `used` are those that were looked for, by the keys of their prompts. Without `repairs`, the first answer is all that
    is given.
    """

    def __init__(self, folder: Path, *, repairs: bool = True) -> None:
        super().__init__(folder)
        self.used: dict[str, Request] = {}
        self._repairs = repairs
        self._first: dict[tuple[str, int], Request] = {}

    def find(self, request: Request, endpoint: Endpoint, *, fresh: bool = False) -> str:
        first = self._first.setdefault((request.name, request.batch), request)
        if request.attempt and not self._repairs:
            request = first
        self.used[request.key(endpoint)] = request
        try:
            return super().find(request, endpoint, fresh=fresh)
        except Unavailable as error:
            raise Unanswered(error.message) from None


@dataclass(frozen=True, slots=True)
class Answered:
    """What the recorded replies make of a project. `asked` are the calls that a run plans, `used` those it made."""

    schema: Schema
    baseline: Plan
    plan: Plan
    summary: Summary
    asked: Sequence[Request]
    used: Mapping[str, Request]


def project(name: str, folder: Path) -> tuple[Schema, Plan]:
    """The project and its baseline plan; the plan is written where there is none."""
    case = CASES / name
    others = {
        path.relative_to(case).as_posix(): path.read_text(encoding="utf-8")
        for path in case.rglob("*")
        if path.is_file() and path.name not in _OURS
    }
    properties = property_yaml() if name == "fifty" else (case / "schema.yml").read_text(encoding="utf-8")
    schema = schema_from(folder, properties, **others)
    path = case / PLAN_FILE
    if not path.exists():
        write_plan(baseline(schema), path)
    return schema, read_plan(path, CASES)[0]


def answered(name: str, folder: Path, replies: Path, *, repairs: bool = True) -> Answered:
    """What the recorded replies make of a project; prompts without one are left below `missing/` of the replies."""
    schema, plan = project(name, folder)
    templates, recorded = read_templates(schema.project.root), Recorded(replies, repairs=repairs)
    asked = expected_requests(schema, plan, templates, TEXTS[name])
    with Client(ENDPOINT, recorded, Ledger()) as client:
        authored, summary = author_with_llm(
            schema,
            plan,
            client,
            templates,
            at_once=1,
            proof=try_out,
            rule_proof=hold_to_rules,
            texts=TEXTS[name],
        )
    return Answered(schema, plan, authored, summary, asked, recorded.used)


def main() -> None:
    shutil.rmtree(REPLIES / "missing", ignore_errors=True)
    REPLIES.mkdir(exist_ok=True)
    used: set[str] = set()
    for name in TEXTS:
        with tempfile.TemporaryDirectory() as folder:
            result = answered(name, Path(folder), REPLIES)
        used |= result.used.keys()
        print(f"{name}: {result.summary}")
        for found in result.summary.kept:
            print(f"  {found.message}")
    for path in REPLIES.glob("*/*.json"):
        if path.parent.name != "missing" and path.stem not in used:
            path.unlink()  # It answers a prompt that is no longer asked.
    waiting = sorted(path.name for path in (REPLIES / "missing").glob("*.json"))
    print(f"{len(waiting)} prompts wait for an answer below {REPLIES.name}/missing")


if __name__ == "__main__":
    sys.exit(main())
