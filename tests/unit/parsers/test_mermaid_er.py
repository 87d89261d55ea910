"""erDiagram: the same structure as Mermaid's own parser, leniency only with a diagnostic, and no crash on any text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mermaid_cases import Case, er_lines, load, said

from seedbed.errors import Severity, has_errors
from seedbed.parsers.mermaid_er import ErDiagram, parse_er
from seedbed.parsers.mermaid_text import Diagram, find_diagrams
from seedbed.schema import Cardinality

CASES = load("er")
HARMLESS = {"comment bare"}


def read(text: str) -> tuple[ErDiagram, list[str]]:
    (diagram,) = find_diagrams(text, "case.mmd")
    result, diagnostics = parse_er(diagram)
    return result, said(diagnostics)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_reads_what_mermaid_reads(case: Case) -> None:
    lines: list[str] = []
    codes: list[str] = []
    for diagram in find_diagrams(case.text, "case.mmd"):
        if diagram.kind != "er":
            codes.append(f"other {diagram.keyword}")
            continue
        result, diagnostics = parse_er(diagram)
        lines += er_lines(result)
        codes += said(diagnostics)
    assert lines == case.reads
    assert codes == case.says


@pytest.mark.parametrize("case", CASES, ids=str)
def test_differs_from_mermaid_never_in_silence(case: Case) -> None:
    if case.mermaid is None or case.reads != case.mermaid:
        assert case.says or case.name in HARMLESS


def test_corpus_is_large_and_judged() -> None:
    assert len(CASES) >= 150
    assert sum(case.mermaid is not None for case in CASES) >= 100


def test_places_are_those_of_the_markdown_file() -> None:
    body = "erDiagram\n    A {\n      int id PK\n      int b NOT NULL\n    }\n    A }o--|| B : id"
    text = f"# Shop\n\n  ```mermaid\n  {body}\n  ```\n"
    (diagram,) = find_diagrams(text, "docs/shop.md")
    result, (problem,) = parse_er(diagram)
    assert (diagram.line, diagram.name) == (4, "shop")
    assert [entity.origin.line for entity in result.entities] == [5, 9]
    assert [(a.origin.line, a.origin.column) for a in result.entities[0].attributes] == [(6, 7), (7, 7)]
    assert result.relationships[0].origin.line == 9
    assert (problem.location.line, problem.location.column, problem.severity) == (7, 13, Severity.WARNING)


def test_an_error_costs_only_its_line() -> None:
    (diagram,) = find_diagrams("erDiagram\nA ||--o{ B : x\nA ???? B\nC {\n int a\n $$$\n int b\n}\n", "x.mmd")
    result, diagnostics = parse_er(diagram)
    assert said(diagnostics) == ["3 er-syntax", "6 er-attribute"]
    assert has_errors(diagnostics)
    assert er_lines(result) == ["entity A", "entity B", "entity C", "- int a", "- int b", "A 1..1 -- 0..n B : x"]


def test_messages_say_what_was_expected() -> None:
    (diagram,) = find_diagrams("erDiagram\nA ||-- B : x\n", "x.mmd")
    _, (problem,) = parse_er(diagram)
    assert "'B' cannot stand here; expected a cardinality" in problem.message


# ---- properties ----

names = st.from_regex(r"[A-Z][A-Za-z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: (
        name.lower() not in ("one", "to", "many", "only", "zero", "u", "class", "style", "end", "title", "click")
        and name.lower() not in ("subgraph", "direction", "classdef", "linkstyle", "acctitle", "accdescr", "erdiagram")
    )
)
columns = st.from_regex(r"c_[a-z0-9]{1,8}", fullmatch=True)
types = st.sampled_from(["int", "varchar(20)", "decimal(10,2)", "timestamp", "string[]", "list~int~", "uuid?", "größe"])
comments = st.one_of(
    st.none(), st.text(st.characters(blacklist_characters='"#<\r', blacklist_categories=("Cs", "Cc")), min_size=1)
)
keys = st.lists(st.sampled_from(["PK", "FK", "UK"]), unique=True, max_size=3)
attributes = st.tuples(types, columns, keys, comments)
marks = st.sampled_from(
    [("||", "||", 1, 1), ("|o", "o|", 0, 1), ("}o", "o{", 0, None), ("}|", "|{", 1, None), ("one", "only one", 1, 1)]
)


@given(
    entities=st.dictionaries(names, st.lists(attributes, max_size=4), min_size=1, max_size=4),
    relationships=st.lists(st.tuples(names, marks, st.booleans(), marks, names, comments), max_size=4),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_what_is_written_is_read(entities, relationships, end) -> None:  # type: ignore[no-untyped-def]
    lines = ["erDiagram"]
    for name, rows in entities.items():
        lines += [f"  {name} {{"]
        for kind, column, marked, comment in rows:
            lines.append(f"    {kind} {column} {', '.join(marked)}" + (f' "{comment}"' if comment else ""))
        lines.append("  }")
    for left, a, identifying, b, right, label in relationships:
        lines.append(f'{left} {a[0]} {"--" if identifying else ".."} {b[1]} {right} : "{label or ""}"')
    (diagram,) = find_diagrams(end.join(lines), "x.mmd")
    result, diagnostics = parse_er(diagram)
    assert [found.code for found in diagnostics if found.code != "direction"] == []
    read_entities = {entity.name: entity for entity in result.entities}
    assert list(read_entities)[: len(entities)] == list(entities)
    for name, rows in entities.items():
        found = [
            (a.type + ("?" if a.nullable else ""), a.name, list(a.keys), a.comment)
            for a in read_entities[name].attributes
        ]
        assert found == rows
    assert [
        (r.left, r.left_cardinality, r.identifying, r.right_cardinality, r.right, r.label) for r in result.relationships
    ] == [
        (left, Cardinality(*a[2:]), identifying, Cardinality(*b[2:]), right, label or "")
        for left, a, identifying, b, right, label in relationships
    ]


SCRAPS = st.sampled_from(
    [
        "erDiagram",
        "A",
        "{",
        "}",
        "\n",
        " ",
        '"',
        "'",
        "`",
        "||",
        "o{",
        "--",
        "..",
        ":",
        ":::",
        "[",
        "]",
        "int a",
        "PK",
        ",",
        "~",
        "%%",
        "<",
        "(",
        ")",
        "?",
        "=",
        ";",
        "accDescr {",
        "subgraph",
        "end",
        "direction TB",
        "one",
        "to",
        "\t",
        "é",
        "---",
        "```",
    ]
)


@given(st.one_of(st.text(max_size=200), st.lists(SCRAPS, max_size=60).map("".join)))
def test_any_text_gives_diagnostics_and_no_crash(text: str) -> None:
    diagram = Diagram("er", "erDiagram", f"erDiagram\n{text}", "x.mmd")
    result, diagnostics = parse_er(diagram)
    assert all(found.location.line and found.message for found in diagnostics)
    assert isinstance(result, ErDiagram)


@given(st.lists(SCRAPS, min_size=1, max_size=40).map("".join))
def test_every_line_of_text_is_read_or_reported(line: str) -> None:
    """A line of one kind that leaves no trace in the structure must leave one in the diagnostics."""
    line = " ".join(line.split())
    silent = line.startswith(("%%", "acc", "direction", "subgraph")) or line in ("", "end")
    result, codes = parse_er(Diagram("er", "erDiagram", f"erDiagram\n{line}\n", "x.mmd"))
    assert silent or result.entities or codes


@pytest.mark.parametrize("scrap", ["{\n", '"\n', "A {\n int ~", "?,", "((", "<a", "%%{", ":::", "one ", "\n"])
def test_garbage_is_read_quickly(scrap: str) -> None:
    text = "erDiagram\n" + scrap * (100_000 // len(scrap))
    started = time.process_time()
    parse_er(Diagram("er", "erDiagram", text, "x.mmd"))
    assert time.process_time() - started < 10


def test_a_large_diagram_is_read_quickly() -> None:
    blocks = []
    for table in range(300):
        rows = "\n".join(f'  decimal(10,2) column_{i} {"PK" if i == 0 else ""} "the column {i}"' for i in range(20))
        blocks.append(f"T{table} ||--o{{ T{table * 7 % 300} : key_{table}\nT{table} {{\n{rows}\n}}")
    started = time.process_time()
    result, codes = read("erDiagram\n" + "\n".join(blocks))
    assert time.process_time() - started < 4
    assert codes == []
    assert sum(len(entity.attributes) for entity in result.entities) == 6_000


@pytest.mark.parametrize("mark", ["||-o{", "||--<{", "||--o{{", "||==o{", "|-{"])
def test_a_mark_that_is_no_cardinality_is_all_that_is_wrong(mark: str) -> None:
    """Its brace opens no block, so that the lines below it are read."""
    result, codes = read(f"erDiagram\n  A {mark} B : has\n  A {{\n    int id PK\n  }}\n")
    assert codes == ["2 er-syntax"]
    assert [(entity.name, len(entity.attributes)) for entity in result.entities] == [("A", 1)]
