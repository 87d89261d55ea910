"""Loads the judged diagrams of tests/cases/mermaid, and renders what Seedbed read in the judge's notation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from seedbed.errors import Diagnostic
from seedbed.parsers.mermaid_er import ErDiagram
from seedbed.parsers.mermaid_state_text import Edge, Note, RegionBreak, Statement
from seedbed.schema import Cardinality, Workflow

FOLDER = Path(__file__).parents[2] / "cases" / "mermaid"


@dataclass(frozen=True)
class Case:
    """A diagram, what Mermaid reads in it (None: it refuses), and where Seedbed is to differ."""

    name: str
    text: str
    mermaid: list[str] | None
    says: list[str]
    reads: list[str]

    def __str__(self) -> str:
        return self.name


def load(kind: str) -> list[Case]:
    rows = yaml.safe_load((FOLDER / f"{kind}.yaml").read_text(encoding="utf-8"))
    judged = FOLDER / f"{kind}.verdicts.json"
    verdicts = json.loads(judged.read_text(encoding="utf-8")) if judged.exists() else {}
    cases = []
    for row in rows:
        mermaid = verdicts.get(row["name"], {}).get("accepted")
        cases.append(Case(row["name"], row["text"], mermaid, row.get("says", []), row.get("reads", mermaid)))
    return cases


def said(diagnostics: Iterable[Diagnostic]) -> list[str]:
    return [f"{found.location.line} {found.code}" for found in diagnostics]


def er_lines(diagram: ErDiagram) -> list[str]:
    lines = []
    for entity in diagram.entities:
        lines.append(f"entity {entity.name}" + (f" as {entity.alias}" if entity.alias else ""))
        for attribute in entity.attributes:
            parts = [
                "-",
                attribute.type + ("?" if attribute.nullable else ""),
                attribute.name,
                ",".join(attribute.keys),
            ]
            parts.append("!" if attribute.nullable is False else "")
            parts.append(json.dumps(attribute.comment, ensure_ascii=False) if attribute.comment else "")
            lines.append(" ".join(filter(None, parts)))
    for found in diagram.relationships:
        mark = "--" if found.identifying else ".."
        left, right = _bounds(found.left_cardinality), _bounds(found.right_cardinality)
        lines.append(f"{found.left} {left} {mark} {right} {found.right} : {found.label}".strip())
    return lines


def _bounds(cardinality: Cardinality) -> str:
    return f"{cardinality.minimum}..{cardinality.maximum or 'n'}"


def state_lines(statements: Iterable[Statement], depth: int = 0) -> Iterator[str]:
    indent = "  " * depth
    for statement in statements:
        if isinstance(statement, Edge):
            label = f" : {statement.label}" if statement.label else ""
            yield f"{indent}{statement.source} --> {statement.target}{label}"
        elif isinstance(statement, RegionBreak):
            yield f"{indent}--"
        elif isinstance(statement, Note):
            yield f"{indent}note {statement.id} : {statement.text}"
        else:
            stereotype = f" <<{statement.stereotype}>>" if statement.stereotype else ""
            described = f" : {' | '.join(statement.descriptions)}" if statement.descriptions else ""
            yield f"{indent}state {statement.id}{stereotype}{described}"
            if statement.body is not None:
                yield f"{indent}{{"
                yield from state_lines(statement.body, depth + 1)
                yield f"{indent}}}"


def workflow_lines(workflow: Workflow) -> list[str]:
    lines = [f"states {', '.join(workflow.states)}"] if workflow.states else []
    lines += [f"start --> {state}{_number(share)}" for state, share in workflow.initial]
    for move in workflow.transitions:
        label = f" : {move.label}" if move.label else ""
        lines.append(f"{move.source} --> {move.target}{_number(move.probability)}{label}")
    return lines + [f"{state} --> end" for state in workflow.terminal]


def _number(share: float | None) -> str:
    return "" if share is None else f" {share:.6g}"
