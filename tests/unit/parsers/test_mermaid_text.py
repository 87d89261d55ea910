"""Where diagrams are found: files, fences of all kinds, front matter, and what is no diagram."""

from __future__ import annotations

import pytest

from seedbed.parsers.mermaid_text import find_diagrams


def found(text: str, file: str = "docs/model.md") -> list[tuple[str, str, int, str]]:
    return [(d.kind, d.keyword, d.line, d.name) for d in find_diagrams(text, file)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("```mermaid\nerDiagram\nA\n```\n", 2),
        ("~~~mermaid\nerDiagram\nA\n~~~\n", 2),
        ("````mermaid\nerDiagram\n```\nA\n````\n", 2),
        ("text\n\n- item\n\n  ```mermaid\n  erDiagram\n  A\n  ```\n", 6),
        ("> ```mermaid\n> erDiagram\n> A\n> ```\n", 2),
        (":::mermaid\nerDiagram\nA\n:::\n", 2),
        ("::: mermaid\nerDiagram\nA\n:::\n", 2),
        ("```{mermaid}\nerDiagram\nA\n```\n", 2),
        ("``` mermaid title=x\nerDiagram\nA\n```\n", 2),
        ("```Mermaid\nerDiagram\nA\n```\n", 2),
        ("{% docs shop %}\n```mermaid\nerDiagram\nA\n```\n{% enddocs %}\n", 3),
        ("\ufeff```mermaid\r\nerDiagram\r\nA\r\n```\r\n", 2),
    ],
)
def test_fences(text: str, line: int) -> None:
    assert found(text) == [("er", "erDiagram", line, "model")]
    assert find_diagrams(text, "x.md")[0].diagnostics == ()


@pytest.mark.parametrize(
    "text",
    [
        "````markdown\n```mermaid\nerDiagram\n```\n````\n",
        "```sql\nselect 1\n```\n",
        "```mermaid-js\nerDiagram\n```\n",
        "the word ```mermaid``` inline\n",
        "",
    ],
)
def test_no_diagram(text: str) -> None:
    assert found(text) == []


def test_several_diagrams_and_other_kinds() -> None:
    text = (
        "```mermaid\nflowchart LR\nA-->B\n```\n```mermaid\nstateDiagram-v2\nA --> B\n```\n```mermaid\n\n```\n"
        "~~~mermaid\n---\ntitle: Shop model\n---\nerDiagram\nA\n~~~\n"
    )
    assert found(text) == [
        ("other", "flowchart", 2, "model"),
        ("state", "stateDiagram-v2", 6, "model"),
        ("other", "", 10, "model"),
        ("er", "erDiagram", 13, "Shop model"),
    ]


@pytest.mark.parametrize("file", ["shop.mmd", "shop.mermaid", "a/shop.MMD"])
def test_a_diagram_file_is_one_diagram(file: str) -> None:
    assert found("\ufeff%% hello\nerDiagram\nA\n", file) == [("er", "erDiagram", 1, "shop")]
    assert found("  \n", file) == []


def test_a_fence_in_a_diagram_file_is_read_and_reported() -> None:
    (diagram,) = find_diagrams("```mermaid\nerDiagram\nA\n```\n", "shop.mmd")
    assert (diagram.kind, diagram.line, [d.code for d in diagram.diagnostics]) == ("er", 2, ["fence-in-diagram-file"])


@pytest.mark.parametrize("rest", ["", "\n{% enddocs %}\nmore text\n"])
def test_an_unclosed_fence_is_reported(rest: str) -> None:
    (diagram,) = find_diagrams(f"```mermaid\nerDiagram\nA{rest}", "x.md")
    assert [(d.code, d.location.line) for d in diagram.diagnostics] == [("unclosed-fence", 1)]
    assert diagram.text.split() == ["erDiagram", "A"]


@pytest.mark.parametrize("title", ["[a", "a\x00b", "a\ntitle: b", "&a [*a]"])
def test_broken_front_matter_is_reported(title: str) -> None:
    (diagram,) = find_diagrams(f"---\ntitle: {title}\n---\nerDiagram\nA\n", "x.mmd")
    assert (diagram.kind, diagram.name, [d.code for d in diagram.diagnostics]) == ("er", "x", ["front-matter"])


def test_the_body_keeps_its_places() -> None:
    (diagram,) = find_diagrams("---\ntitle: x\n---\n%%{init: {\n}}%%\n%% note\nerDiagram A\n  B\n", "x.mmd")
    assert diagram.body.split() == ["A", "B"]
    assert diagram.body.split("\n")[6] == "          A"
    assert diagram.body.split("\n")[7] == "  B"
