"""YAML is read with the place of each value, as dbt reads it or strictly."""

import datetime as dt

import pytest

from seedbed.errors import ProjectError
from seedbed.yaml_text import read_yaml


def test_every_value_knows_its_place():
    document = read_yaml("a: 1\nb:\n  - x: {k: v}\n    y: 2\n", "f.yml")
    assert (document.location("b", 0, "x", "k").line, document.location("b", 0, "x", "k").column) == (3, 9)
    assert document.location("b", 0, "missing").line == 3
    assert str(document.at("b", 0).location("y")) == "f.yml:4:5"
    assert [str(item.path) for _, item in document.at("b", 0).items()] == ["('b', 0, 'x')", "('b', 0, 'y')"]


def test_dbts_dialect_reads_what_dbt_reads():
    value = read_yaml("a: [NO, 2024-01-02, '01']\n<<: {z: 1, a: 2}\n", "f.yml").value
    assert value == {"a": [False, dt.date(2024, 1, 2), "01"], "z": 1}


def test_the_strict_dialect_leaves_texts_alone():
    value = read_yaml("a: [NO, 01234, 22:22, 1_000, 2024-01-02, 1.5, 12, true, null]\n", "f.yml", strict=True).value
    assert value == {"a": ["NO", "01234", "22:22", "1_000", "2024-01-02", 1.5, 12, True, None]}


@pytest.mark.parametrize(
    ("text", "strict", "code", "line"),
    [
        ("a: 1\na: 2\n", False, "duplicate-key", 2),
        ("a: [1\n", False, "yaml-syntax", 2),
        ("a: !!python/object:os.system x\n", False, "yaml-syntax", 1),
        ("a: &x 1\nb: *x\n", True, "yaml-alias", 1),
        ("[" * 100 + "]" * 100, False, "yaml-too-deep", 1),
        (
            "a: &a [x, x]\nb: &b [*a, *a]\n" + "".join(f"k{i}: &k{i} [*b, *b, *b]\n" for i in range(3)),
            True,
            "yaml-alias",
            1,
        ),
        ("a: \x07\n", False, "yaml-syntax", None),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text, strict, code, line):
    with pytest.raises(ProjectError) as raised:
        read_yaml(text, "f.yml", strict=strict)
    (found,) = raised.value.diagnostics
    assert found.code == code
    if line:
        assert found.location.line == line


@pytest.mark.parametrize(
    ("line", "hinted"),
    [
        ("kind: choice({'gold': 10, 'std': 90})", True),
        ("- kind: choice({'gold': 10, 'std': 90})", True),
        ("kind: a: b", False),
        ("kind: \"choice({'gold': 10})\": b", False),
    ],
)
def test_an_unquoted_call_is_told_to_be_quoted(line, hinted):
    with pytest.raises(ProjectError) as raised:
        read_yaml(f"columns:\n  {line}\n", "f.yml", strict=True)
    (found,) = raised.value.diagnostics
    assert found.location.line == 2
    assert ("double quotes" in (found.hint or "")) is hinted


def test_a_bomb_of_anchors_is_stopped():
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    text += "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 9))
    with pytest.raises(ProjectError) as raised:
        read_yaml(text, "f.yml")
    assert raised.value.diagnostics[0].code in ("yaml-too-large", "yaml-too-deep")


def test_an_own_key_stands_over_a_merged_one():
    text = "base: &b {tests: [a], x: 1}\nc: &c\n  <<: *b\n  tests: [b]\nagain: [*c, {<<: *c, x: 2}]\n"
    value = read_yaml(text, "f.yml").value
    assert value["c"] == {"tests": ["b"], "x": 1}
    assert value["again"] == [{"tests": ["b"], "x": 1}, {"tests": ["b"], "x": 2}]
    with pytest.raises(ProjectError):
        read_yaml("base: &b {x: 1}\nc:\n  <<: *b\n  y: 1\n  y: 2\n", "f.yml")


@pytest.mark.parametrize("line", ["\tb: 1", "  \tb: 1"])
def test_a_tab_before_the_text_is_told_how_to_indent(line):
    with pytest.raises(ProjectError) as caught:
        read_yaml(f"a:\n{line}\n", "seedbed.yml", strict=True)
    (found,) = caught.value.diagnostics
    assert found.location.line == 2
    assert "indent with spaces" in found.hint
