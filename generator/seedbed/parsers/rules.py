"""Business rules from wherever a project states them: annotations, `business_rules.md`, and table descriptions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from seedbed.errors import Location
from seedbed.parsers.files import Files
from seedbed.schema import Sentence, Table

RULES_FILE = "business_rules.md"
"""At the project's root: a rule a line; below a heading that names a table, rules about that table."""

_CALL = re.compile(r"[a-z_]+\s*\(.*\)\s*\.?\s*", re.S)
_ASIDE = re.compile(r"<!--.*?(?:-->|\Z)|^\s*```.*?(?:^\s*```\s*$|\Z)", re.S | re.M)
_FURNITURE = re.compile(r"\s*(?:\||-{3,}\s*$|={3,}\s*$)")
_ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+(?P<text>.*)")
_HEADING = re.compile(r"#{1,6}\s+(?P<title>.*?)[\s#]*")

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'(*_`])|\n\s*\n|\n\s*[-*+]\s+")
_OBLIGES = re.compile(
    r"\b(?:must|shall|never|always|only|may not|cannot|can not|at least|at most|exactly|no more than|no fewer than|"
    r"not more than|not less than|no less than)\b"
    r"|\b(?:each|every)\b(?! (?:row|record|line|entry)\b)[^.]*?\b(?:has|have|belongs? to|needs?|gets?) "
    r"(?:one|two|three|a single|no|its own)\b",
    re.I,
)
_OF_THE_PIPELINE = re.compile(
    r"\b(?:refresh\w*|load\w*|reload\w*|updated|sync\w*|ingest\w*|extract\w*|export\w*|import\w*|deprecat\w*|document\w*|"
    r"quer(?:y|ies|ied)|join\w*|dashboards?|reports?|reporting|pipelines?|snapshots?|dbt|warehouse|tables?|models?|"
    r"seeds?|sources?|columns?|rows? (?:is|are)|used?|using|see|edit\w*|analysts?|do not|don't|please|todo)\b",
    re.I,
)


def is_call(text: str) -> bool:
    """Whether a line is a typed rule, as far as its form goes: `row('amount > 0')`."""
    return bool(_CALL.fullmatch(text.strip()))


def read_sentence(text: str, origin: Location, table: str | None) -> Sentence:
    """A rule as one line: typed when it is a call."""
    text = " ".join(text.split()) if not is_call(text) else text.strip()
    return Sentence(text, origin, table, text.rstrip(". ") if is_call(text) else None)


def read_rules(annotated: Iterable[Sentence], tables: Iterable[Table], files: Files) -> tuple[Sentence, ...]:
    """Every rule that the project states, each once, those that stand at a table first."""
    tables = tuple(tables)
    found = [*annotated, *_in_file(files, tables)]
    found += [sentence for table in tables if table.generated for sentence in _in_description(table)]
    kept: dict[tuple[str | None, ...], Sentence] = {}
    for sentence in found:
        place = (sentence.key, sentence.rule, sentence.table if sentence.rule else None)
        before = kept.setdefault(place, sentence)
        if before.table != sentence.table:
            kept[place] = replace(before, table=None)  # Said of several tables, it is about none of them.
    return tuple(kept.values())


def _in_file(files: Files, tables: Iterable[Table]) -> Iterator[Sentence]:
    """Each line of the file; an item of a list goes on in the indented lines below it."""
    text = (files.read(RULES_FILE) or "") if (files.root / RULES_FILE).is_file() else ""
    text = _ASIDE.sub(lambda aside: "\n" * aside[0].count("\n"), text)
    names = {table.name.casefold(): table.name for table in tables}
    about: str | None = None
    said: list[str] = []
    begun = 0
    for number, line in enumerate([*text.splitlines(), ""], 1):
        item, heading = _ITEM.fullmatch(line), _HEADING.fullmatch(line)
        if said and not item and re.match(r"\s+\S", line):
            said.append(line)
            continue
        if said:
            yield read_sentence(" ".join(said), Location(RULES_FILE, begun), about)
            said = []
        if heading:
            about = names.get(heading["title"].strip("`* ").casefold())
        elif item:
            said, begun = [item["text"]], number
        elif line.strip() and not _FURNITURE.match(line):
            yield read_sentence(line, Location(RULES_FILE, number), about)


def _in_description(table: Table) -> Iterator[Sentence]:
    """The sentences of a table's description that oblige its rows.

    Few words do so beyond doubt; a sentence that speaks of the pipeline, of the table or of its readers is left out.
    """
    if table.description is None:
        return
    for part in _SENTENCE.split(table.description.value):
        text = " ".join(part.split()).strip("-*+ ")
        if 15 <= len(text) <= 300 and _OBLIGES.search(text) and not _OF_THE_PIPELINE.search(text):
            yield Sentence(text, table.description.origin, table.name)
