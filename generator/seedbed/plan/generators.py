"""Reads the generator strings of a plan, such as `lognormal(median=120, sigma=0.6)`."""

from __future__ import annotations

from seedbed.plan.calls import read_call
from seedbed.plan.kinds import KINDS, Generator


def parse_generator(text: str) -> Generator:
    """The generator that a string such as `choice({'a': 3, 'b': 1}, null=0.1)` describes.

    Raises:
        CallError: with what is wrong, and the nearest thing that is right.
    """
    return read_call(text, KINDS, "generator")
