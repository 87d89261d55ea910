"""Projects whose prompts an LLM has answered, once: `python tests/recorded.py` writes the prompts that wait for that.

Below tests/replies stand the answers, named by the keys of their prompts; below its `missing/`, the prompts without
one. Each project's plan, as the baseline author wrote it at the time, is a file too: what it decides is in the
prompts, and must not change them with every word that the author learns.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
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
from seedbed.authoring.llm.author import Summary, author_with_llm
from seedbed.authoring.llm.prompts import read_templates
from seedbed.plan.files import read_plan, write_plan
from seedbed.plan.spec import PLAN_FILE, Plan
from seedbed.schema import Schema
from worlds import schema_from

PROJECTS = ("hotel", "ugly", "fifty")
CASES = Path(__file__).parent / "cases" / "llm_chain"
REPLIES = Path(__file__).parent / "replies"
ENDPOINT = Endpoint("https://recorded.invalid/v1", "recorded")


class Recorded(RecordedReplies):
    """Recorded replies where one that is missing does not keep the others from being asked for."""

    def find(self, request: Request, endpoint: Endpoint, *, fresh: bool = False) -> str:
        try:
            return super().find(request, endpoint, fresh=fresh)
        except Unavailable as error:
            raise Unanswered(error.message) from None


def project(name: str, folder: Path) -> tuple[Schema, Plan]:
    """The project and its baseline plan; the plan is written where there is none."""
    file = CASES / name / "schema.yml"
    schema = schema_from(folder, property_yaml() if name == "fifty" else file.read_text(encoding="utf-8"))
    path = CASES / name / PLAN_FILE
    if not path.exists():
        write_plan(baseline(schema), path)
    return schema, read_plan(path, CASES)[0]


def answered(name: str, folder: Path, replies: Path) -> tuple[Schema, Plan, Summary]:
    """The plan that the recorded replies give; prompts without one are left below `missing/` of the replies."""
    schema, plan = project(name, folder)
    with Client(ENDPOINT, Recorded(replies), Ledger()) as client:
        authored, summary = author_with_llm(schema, plan, client, read_templates(schema.project.root), at_once=1)
    return schema, authored, summary


def main() -> None:
    shutil.rmtree(REPLIES / "missing", ignore_errors=True)
    REPLIES.mkdir(exist_ok=True)
    for name in PROJECTS:
        with tempfile.TemporaryDirectory() as folder:
            _, _, summary = answered(name, Path(folder), REPLIES)
        print(f"{name}: {summary}")
        for found in summary.kept:
            print(f"  {found.message}")


if __name__ == "__main__":
    sys.exit(main())
