"""Says what a grammar could not read in a diagram, and what it expected there."""

from __future__ import annotations

from collections.abc import Iterable

from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken


def spoken_unexpected(problem: UnexpectedInput, text: str, words: Iterable[tuple[str, str]]) -> str:
    """What a grammar could not read in `text`, and what it expected there.

    `words` pairs the grammar's terminals with how to speak of them; others are not spoken of.
    """
    if isinstance(problem, UnexpectedToken):
        expected = set(problem.accepts or problem.expected)
        at_end = problem.token.type == "$END"
        got = "the line ends here" if at_end else f"{str(problem.token)!r} cannot stand here"
    else:
        assert isinstance(problem, UnexpectedCharacters)
        expected = set(problem.allowed or ())
        got = f"{text[max(0, problem.pos_in_stream or 0) :].split()[0][:40]!r} cannot stand here"
    spoken = [said for terminal, said in words if terminal in expected]
    return f"{got}; expected {' or '.join(spoken)}" if spoken else got
