"""Business rules are found wherever a project states them, each once and with its place."""

from pathlib import Path

import pytest

from seedbed.parsers import read_schema
from seedbed.schema import Schema


def read(root: Path, files: dict[str, str]) -> tuple[Schema, list[str]]:
    for name, text in {"dbt_project.yml": "name: shop\n", **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    schema, diagnostics = read_schema(root)
    return schema, [str(found) for found in diagnostics]


def stated(schema: Schema) -> list[tuple[str, str | None, str | None, str]]:
    return [(rule.text, rule.table, rule.rule, rule.origin.short) for rule in schema.rules]


ORDERS = """\
models:
  - name: orders
    description: Every order. An order must have been paid before it is sent. Refreshed nightly, never by hand.
    columns: [{name: id}]
    config:
      meta:
        seedbed:
          rules:
            - One order a day
            - row('id > 0')
            - {says: Small ids, rule: row('id < 9')}
"""

FILE = """\
# Rules

<!-- how we
work - not a rule -->

- One order a day.
- An order that was sent
  is never changed
1) Lines are positive

## `orders`

* unique('id')
Prose counts too.

```sql
select 1
```
"""


def test_every_place_is_read_and_repeats_are_not(tmp_path: Path) -> None:
    schema, diagnostics = read(tmp_path, {"models/a.yml": ORDERS, "business_rules.md": FILE})
    assert stated(schema) == [
        ("One order a day", None, None, "models/a.yml:9"),
        ("row('id > 0')", "orders", "row('id > 0')", "models/a.yml:10"),
        ("Small ids", "orders", "row('id < 9')", "models/a.yml:11"),
        ("An order that was sent is never changed", None, None, "business_rules.md:7"),
        ("Lines are positive", None, None, "business_rules.md:9"),
        ("unique('id')", "orders", "unique('id')", "business_rules.md:13"),
        ("Prose counts too.", "orders", None, "business_rules.md:14"),
        ("An order must have been paid before it is sent.", "orders", None, "models/a.yml:3"),
    ]
    assert diagnostics == []


@pytest.mark.parametrize("entry", ["7", "{says: 7}", "{rule: [a]}", "{}"])
def test_what_is_no_rule_is_said(tmp_path: Path, entry: str) -> None:
    text = f"models: [{{name: a, columns: [{{name: x}}], config: {{meta: {{seedbed: {{rules: [{entry}]}}}}}}}}]\n"
    (tmp_path / "dbt_project.yml").write_text("name: shop\n")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "a.yml").write_text(text)
    _, diagnostics = read_schema(tmp_path)
    assert [found.code for found in diagnostics] == ["annotation-form"]


@pytest.mark.parametrize(
    ("sentence", "obliges"),
    [
        ("Every claim has exactly one adjuster.", True),
        ("Each policy belongs to one customer.", True),
        ("A refund may not exceed its payment.", True),
        ("An invoice is never dated on a weekend.", True),
        ("A policy has at least one insured person.", True),
        ("One row for each order.", False),
        ("Each row has one status.", False),
        ("Only used by the finance team.", False),
        ("This table must be joined on the case key.", False),
        ("Loaded at most once a day.", False),
        ("Contains all customers.", False),
        ("Columns are always lower case.", False),
    ],
)
def test_a_description_obliges_only_in_so_many_words(tmp_path: Path, sentence: str, obliges: bool) -> None:
    text = f"models: [{{name: a, description: '{sentence}', columns: [{{name: x}}]}}]\n"
    schema, _ = read(tmp_path, {"models/a.yml": text})
    assert [rule.text for rule in schema.rules] == ([sentence] if obliges else [])
