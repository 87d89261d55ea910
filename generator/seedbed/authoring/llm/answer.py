"""What the calls of the chain share: the shape of a wire format, and the problems that an answer can have.

The wire formats are flat objects of strings, which every provider's schema limits allow.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from pydantic import ValidationError

from seedbed.authoring.llm.trial import path_of
from seedbed.authoring.llm.untrusted import clean
from seedbed.errors import Diagnostic, Location, closest
from seedbed.plan.calls import spoken_errors

NOT_ANSWERED = "not-answered"
"""The code of the problem that an answer leaves out what was asked."""
TEXT: Mapping[str, object] = {"type": "string"}


def wire_object(**properties: object) -> dict[str, object]:
    """The JSON Schema of an object with exactly these properties."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


def find_name(
    said: str, known: Mapping[str, str], what: str, problems: list[Diagnostic], table: str = ""
) -> str | None:
    """The name that the answer means, spelled as the project spells it."""
    folded = {shown.casefold(): name for shown, name in known.items()}
    found = folded.get(clean(said).casefold())
    if found is None:
        hint = closest(said, known) or f"{what}s to decide are {', '.join(known) or 'none'}"
        at, column = (table, said) if table else (said, None)
        problems.append(wrong(f"unasked-{what}", f'the {what} "{clean(said)}" was not asked for', at, column, hint))
    return found


def listed(names: Mapping[str, object]) -> str:
    """A line for each name: the name and what is said of it, as JSON."""
    return "\n".join(
        f"{json.dumps(name, ensure_ascii=False)}: {json.dumps(said, ensure_ascii=False)}"
        for name, said in names.items()
    )


def misshapen(error: ValidationError) -> Diagnostic:
    """The problem of an answer that has another form than asked for."""
    return Diagnostic("answer-format", f"the answer does not follow its JSON Schema: {spoken_errors(error)}")


def wrong(code: str, message: str, table: str, column: str | None = None, hint: str | None = None) -> Diagnostic:
    """A problem with the entry of a table, or of one of its columns."""
    return Diagnostic(code, message, Location(path=path_of((table, column))), hint=hint)


def at_most(expected: int) -> int:
    """How long an answer may be: more than expected, since some LLMs think aloud."""
    return 4_000 + 3 * expected
