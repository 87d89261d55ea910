"""A language model that has collapsed: it says what it said before, the same few things most of the time."""

from __future__ import annotations

import itertools
import json
import random
import re
from dataclasses import dataclass, field

from llm_server import Received, Reply

_STRATUM = re.compile(r"^(\d+): (.*), (\d+) texts$", re.M)
_WRITTEN = re.compile(r"These are written already.*?\n<(data-\w+)>\n(.*?)\n</\1>", re.S)
SUBJECTS = (
    "battery", "parcel", "colour", "cable", "manual", "hinge", "invoice", "sound", "strap", "button", "screen",
    "delivery", "smell", "fabric", "motor", "packaging", "price", "warranty", "lid", "plug",
)  # fmt: skip
CLAIMS = (
    "broke after a week", "is better than I had hoped for", "came a day too late", "could not be found anywhere",
    "makes a strange noise at night", "looks just like on the picture", "needs to be replaced soon",
    "fell apart at once", "was never mentioned before", "deserves a second look", "works without any trouble",
    "took me hours to understand",
)  # fmt: skip
ENDS = (
    "so I sent it back", "and my sister likes it", "which nobody had told me", "but support was friendly",
    "and that within one month", "as the neighbours say too", "therefore only two stars", "and I would buy it again",
    "although it cost a lot", "in spite of the rain",
)  # fmt: skip
_READ = 50
"""Characters of a written text that it takes in: prompts show the beginnings."""
KNOWN = 400
"""Sentences that it knows for a stratum."""


@dataclass
class Collapsed:
    """Answers with sentences of the parts above, the k-th likeliest with weight 1/k, for each stratum in an
    order of its own. Of what it is shown as written already it repeats one in `heedless`. `only` limits how many
    different sentences it knows for a stratum.
    """

    heedless: int = 5
    only: int = KNOWN
    asked: list[str] = field(default_factory=list)

    def __call__(self, received: Received) -> Reply:
        text = received.body["messages"][-1]["content"]
        self.asked.append(text)
        written = _WRITTEN.search(text)
        avoided = {line[:_READ] for line in written[2].split("\n")} if written else set()
        chance = random.Random(len(self.asked))
        strata = []
        for number, stratum, count in _STRATUM.findall(text):
            parts = random.Random(stratum).sample(list(itertools.product(SUBJECTS, CLAIMS, ENDS)), self.only)
            known = [f"The {subject} {claim}, {end}." for subject, claim, end in parts]
            weights = [1 / rank for rank in range(1, len(known) + 1)]
            said: list[str] = []
            while len(said) < int(count):
                (sentence,) = chance.choices(known, weights)
                if (
                    sentence[:_READ] not in avoided
                    or chance.randrange(self.heedless) == 0
                    or len(avoided) >= len(known)
                ):
                    said.append(sentence)
            strata.append({"stratum": number, "texts": said})
        return {"say": json.dumps({"strata": strata})}
