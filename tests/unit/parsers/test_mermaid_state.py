"""stateDiagram: the same statements as Mermaid's own parser, and one flat workflow by the stated rules."""

from __future__ import annotations

import math
import time
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mermaid_cases import Case, load, said, state_lines, workflow_lines

from seedbed.errors import Diagnostic
from seedbed.parsers.mermaid_share import read_share
from seedbed.parsers.mermaid_state import parse_state
from seedbed.parsers.mermaid_state_text import read_statements
from seedbed.parsers.mermaid_text import Diagram, find_diagrams, in_order
from seedbed.schema import Workflow

CASES = load("state")
WORKFLOWS = load("workflow")
HARMLESS = {"classDef default", "state bare", "state keyword upper"}


def read(body: str) -> tuple[Workflow, list[str]]:
    workflow, diagnostics = parse_state(Diagram("state", "stateDiagram-v2", f"stateDiagram-v2\n{body}", "x.mmd"))
    return workflow, said(diagnostics)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_reads_what_mermaid_reads(case: Case) -> None:
    lines: list[str] = []
    codes: list[str] = []
    for diagram in find_diagrams(case.text, "case.mmd"):
        if diagram.kind != "state":
            codes.append(f"other {diagram.keyword}")
            continue
        diagnostics: list[Diagnostic] = []
        lines += state_lines(read_statements(diagram, diagnostics))
        codes += said([*diagram.diagnostics, *in_order(diagnostics)])
    assert lines == case.reads
    assert codes == case.says


@pytest.mark.parametrize("case", CASES, ids=str)
def test_differs_from_mermaid_never_in_silence(case: Case) -> None:
    if case.mermaid is None or case.reads != case.mermaid:
        assert case.says or case.name in HARMLESS


def test_corpus_is_large_and_judged() -> None:
    assert len(CASES) >= 100
    assert sum(case.mermaid is not None for case in CASES) >= 70


@pytest.mark.parametrize("case", WORKFLOWS, ids=str)
def test_is_flattened_into_one_workflow(case: Case) -> None:
    (diagram,) = find_diagrams(case.text, "case.mmd")
    workflow, diagnostics = parse_state(diagram)
    assert workflow_lines(workflow) == case.reads
    assert said(diagnostics) == case.says


@pytest.mark.parametrize(
    ("label", "probability", "text"),
    [
        ("0.4", 0.4, ""),
        (".4", 0.4, ""),
        ("0,4", 0.4, ""),
        ("40%", 0.4, ""),
        ("40 %", 0.4, ""),
        ("12.5 %", 0.125, ""),
        ("1/3", 1 / 3, ""),
        ("1", 1.0, ""),
        ("0", 0.0, ""),
        ("100%", 1.0, ""),
        ("(0.4)", 0.4, ""),
        ("[0.4]", 0.4, ""),
        ("~40%", 0.4, ""),
        ("p=0.3", 0.3, ""),
        ("p = 0.3 approve", 0.3, "approve"),
        ("approve (prob: 30%)", 0.3, "approve"),
        ("approve: 0.4", 0.4, "approve"),
        ("fast track 10%", 0.1, "fast track"),
        ("10 %: fast track", 0.1, "fast track"),
        ("[guard] 0.3", 0.3, "[guard]"),
        ("[x > 0.5] / act", None, "[x > 0.5] / act"),
        ("[x > 0.5] 30%", 0.3, "[x > 0.5]"),
        ("score > 0.5", None, "score > 0.5"),
        ("10-20%", None, "10-20%"),
        ("step 1", None, "step 1"),
        ("after 3 days", None, "after 3 days"),
        ("v0.4beta", None, "v0.4beta"),
        ("", None, ""),
    ],
)
def test_share_in_a_label(label: str, probability: float | None, text: str) -> None:
    share = read_share(label)
    assert share.problem is None
    assert share.probability == pytest.approx(probability)
    assert share.text == text


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("140%", "out-of-range"),
        ("-0.2", "out-of-range"),
        ("p=1.2", "out-of-range"),
        ("3", "out-of-range"),
        ("1/0", "out-of-range"),
        ("paid 50% deposit", "not-read"),
        ("version 1.5", "not-read"),
        ("50% off 0.3", "ambiguous"),
    ],
)
def test_doubtful_numbers_are_reported(label: str, kind: str) -> None:
    assert read_share(label).kind == kind


# ---- properties ----

ids = st.sampled_from(["A", "B", "C", "D", "E"])
weights = st.integers(0, 100)


@given(st.dictionaries(st.tuples(ids, ids), weights, min_size=1, max_size=12))
def test_what_is_written_is_read(shares: dict[tuple[str, str], int]) -> None:
    body = "\n".join(f"  {a} --> {b} : go {share} %" for (a, b), share in shares.items())
    workflow, _ = read(f"[*] --> A\n{body}\n")
    assert {(t.source, t.target): t.probability for t in workflow.transitions} == {
        pair: pytest.approx(share / 100) for pair, share in shares.items()
    }
    assert {t.label for t in workflow.transitions} == {"go"}
    assert workflow.initial == (("A", None),)


def _visits(moves: dict[str, dict[str, float]], steps: int) -> dict[str, float]:
    """The probability of being in each state after some steps from the start, by plain multiplication."""
    now = {"start": 1.0}
    for _ in range(steps):
        after: dict[str, float] = defaultdict(float)
        for state, weight in now.items():
            for target, share in moves.get(state, {}).items():
                after[target] += weight * share
        now = dict(after)
    return now


@given(
    outside=st.integers(1, 99),
    inside=st.lists(st.integers(1, 20), min_size=1, max_size=4),
    unlabelled=st.booleans(),
)
def test_a_choice_keeps_the_shares(outside: int, inside: list[int], unlabelled: bool) -> None:
    """Passing a choice through, the way to each target is the product of both shares."""
    total = sum(inside)
    body = (
        f"[*] --> A\nstate c <<choice>>\nA --> c{'' if unlabelled else f' : {outside}%'}\nA --> Z : {100 - outside}%\n"
    )
    body += "".join(f"c --> T{i} : {weight}/{total}\n" for i, weight in enumerate(inside))
    workflow, codes = read(body)
    found = {t.target: t.probability for t in workflow.transitions}
    assert codes == []
    assert found.pop("Z") == pytest.approx(1 - outside / 100)
    assert all(share is not None for share in found.values()) or (unlabelled and len(inside) == 1)
    rest = 1 - (1 - outside / 100)  # what an unlabelled transition gets
    found = {target: rest if share is None else share for target, share in found.items()}
    assert found == {f"T{i}": pytest.approx(outside / 100 * weight / total) for i, weight in enumerate(inside)}


@given(st.lists(st.tuples(ids, ids), min_size=1, max_size=10), st.sets(ids, max_size=3))
def test_shares_out_of_a_state_never_exceed_one(edges: list[tuple[str, str]], choices: set[str]) -> None:
    """However choices hang together, unlabelled edges are shares of a whole."""
    body = "".join(f"state {state} <<choice>>\n" for state in sorted(choices)) + "[*] --> A\n"
    workflow, _ = read(body + "".join(f"{a} --> {b}\n" for a, b in edges))
    sums: dict[str, float] = defaultdict(float)
    for move in workflow.transitions:
        sums[move.source] += move.probability or 0.0
    assert all(total <= 1 + 1e-9 for total in sums.values())
    assert not choices & set(workflow.states)
    assert {end for move in workflow.transitions for end in (move.source, move.target)} <= set(workflow.states)


def test_a_composite_keeps_the_walk() -> None:
    """The flattened walk is in each state with the same probability as the nested one, computed by hand."""
    workflow, codes = read(
        "[*] --> P : 0.25\n[*] --> Q : 0.75\n"
        "state P {\n [*] --> a : 0.4\n [*] --> b : 0.6\n a --> b : 0.5\n a --> [*] : 0.5\n b --> [*]\n}\n"
        "P --> Q : 0.2\nP --> R : 0.8\nQ --> [*]\nR --> [*]\n"
    )
    assert codes == []
    moves: dict[str, dict[str, float]] = defaultdict(dict)
    for state, share in workflow.initial:
        moves["start"][state] = share or 1.0
    for move in workflow.transitions:
        moves[move.source][move.target] = 1.0 if move.probability is None else move.probability
    assert _visits(moves, 1) == {"a": pytest.approx(0.1), "b": pytest.approx(0.15), "Q": pytest.approx(0.75)}
    assert _visits(moves, 2) == {
        "b": pytest.approx(0.05),
        "Q": pytest.approx(0.1 * 0.5 * 0.2 + 0.15 * 0.2),
        "R": pytest.approx(0.1 * 0.5 * 0.8 + 0.15 * 0.8),
    }


SCRAPS = st.sampled_from(
    [
        "[*]",
        "A",
        "B",
        "P",
        " --> ",
        " : ",
        "0.5",
        "40%",
        "\n",
        " ",
        "state ",
        "{",
        "}",
        "--",
        '"x"',
        " as ",
        "<<choice>>",
        "<<fork>>",
        "note right of A",
        "end note",
        "[H]",
        ";",
        "%%",
        "#",
        "direction LR",
        "::",
        ":::",
        "é",
        "accDescr {",
        "|",
        "class ",
        "1/3",
        "=",
    ]
)


@given(st.one_of(st.text(max_size=200), st.lists(SCRAPS, max_size=60).map("".join)))
def test_any_text_gives_diagnostics_and_no_crash(text: str) -> None:
    workflow, diagnostics = parse_state(Diagram("state", "stateDiagram", f"stateDiagram\n{text}", "x.mmd"))
    assert all(found.location.line and found.message for found in diagnostics)
    assert len(set(workflow.states)) == len(workflow.states)
    assert all(t.probability is None or math.isfinite(t.probability) for t in workflow.transitions)


@pytest.mark.parametrize(
    "scrap", ["A --> B\n", "state P {\n", "}\n", '"\n', "A : 0.1 ", "note right of A\n", "%%{", "A;", "accDescr {\n"]
)
def test_garbage_is_read_quickly(scrap: str) -> None:
    text = "stateDiagram\n" + scrap * (100_000 // len(scrap))
    started = time.process_time()
    parse_state(Diagram("state", "stateDiagram", text, "x.mmd"))
    assert time.process_time() - started < 10
