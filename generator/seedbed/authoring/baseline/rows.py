"""How many rows each table has, and which other table's rows drive them."""

from __future__ import annotations

import datetime as dt
import math
import re

from seedbed.authoring.baseline.names import names_a_list, singular, snake
from seedbed.authoring.baseline.relationships import in_role
from seedbed.authoring.baseline.sketch import Link, Sketch, Sketches, quoted
from seedbed.authoring.baseline.titles import known_names
from seedbed.plan import kinds
from seedbed.plan.spec import DateRows, FixedRows, RowsPer
from seedbed.schema import Column, Range

MOST_ROWS = 20_000
"""Rows that a driven table is planned to have at most: what is still quick to load as a seed."""
_MEANS = (
    (r"(?:^|_)(line|item|detail|position|entry)$", 2.5, 1),
    (
        r"(?:^|_)(reading|measurement|metric|ping|telemetry|observation|log|click|view|pageview|impression|sample)$",
        20.0,
        0,
    ),
    (r"(?:^|_)(event|session|visit|activity|interaction|transaction|movement|message|trip|call)$", 6.0, 0),
    (r"(?:^|_)(comment|note|attachment|document)$", 1.2, 0),
    (r"(?:^|_)(address|contact|phone|preference|account|subscription|policy|contract|device|vehicle|card)$", 1.4, 0),
    (r"(?:^|_)(payment|invoice|shipment|delivery|claim|payout)$", 1.3, 0),
)
"""By what a table is about: the mean number of rows for a parent row, and the smallest."""
_SELDOM = (
    (r"(?:^|_)(refund|return|chargeback|dispute|complaint)$", r"", 0.08),
    (
        r"(?:^|_)(review|rating|feedback)$",
        r"(?:^|_)(order|line|item|booking|purchase|visit|trip|stay|appointment)$",
        0.3,
    ),
    (r"(?:^|_)(payment|invoice|receipt|bill)$", r"(?:^|_)(order|invoice|bill|booking|purchase|sale)$", 0.9),
)
"""What a parent row has one of or none: the table, the parent (any where empty), and in which share there is one."""
_GIVEN_BACK = re.compile(r"(?:^|_)(refund|chargeback)$")
_RECEIVED = ("captured", "paid", "succeeded", "success", "successful", "completed", "settled", "received")
"""What is said of a payment that can be given back."""


def plan_rows(sketches: Sketches) -> None:
    """Gives every table its rows, unless an annotation, a history or its dates do."""
    for sketch in sketches:
        if sketch.history is None and not sketch.is_dates and sketch.annotation.rows is None:
            _choose_parent(sketches, sketch)
    for sketch in sketches:
        _expect(sketches, sketch, ())
    for sketch in sketches:
        if sketch.annotation.rows is None and isinstance(sketch.rows, RowsPer) and not sketch.one_each:
            counts, where = _counts(sketches, sketch), sketch.rows.where or _only_received(sketches, sketch)
            sketch.rows = sketch.rows.model_copy(update={"counts": counts, "where": where})
            sketch.expected = 0
            _expect(sketches, sketch, ())


def is_reference(sketch: Sketch) -> bool:
    """Whether a table is a short list of kinds of things, rather than of things."""
    outward = [link for link in sketch.links if link.parent != sketch.name and not in_role(link.columns[0], "")]
    listed = any(column.accepted_values and sketch.is_unique(column.name) for column in sketch.table.columns)
    return sketch.table.generated and not outward and sketch.history is None and (names_a_list(sketch.about) or listed)


def driving_link(sketch: Sketch) -> Link | None:
    """The foreign key that leads to the driving parent: by the key's columns first, else the first."""
    if sketch.per is None:
        return None
    links = [link for link in sketch.links if link.parent.casefold() == sketch.per.casefold()]
    return next((link for link in links if set(link.columns) <= set(sketch.key)), links[0] if links else None)


# --- the driving parent --------------------------------------------------------------------------------------


def _choose_parent(sketches: Sketches, sketch: Sketch) -> None:
    best: tuple[float, Link] | None = None
    for index, link in enumerate(sketch.links):
        score = _score(sketches, sketch, link)
        if score is not None and (best is None or score - index > best[0]):
            best = (score - index, link)
    if any(column.accepted_values and sketch.is_unique(column.name) for column in sketch.table.columns):
        best = None  # There are as many rows as values.
    version = next((link for link in sketch.links if _is_history(sketches, sketch, link)), None)
    said = _one_for_each(sketches, sketch)
    if said is not None:
        link, sketch.rows = said
        sketch.links.sort(key=lambda other: other is not link)
        sketch.one_each = True
    elif best is not None:
        sketch.rows = RowsPer(parent=best[1].parent, counts=kinds.Constant(value=1))
        sketch.links.sort(key=lambda link: link is not best[1])
    elif version is not None:
        entity = sketches.entity_of(sketches.tables[version.parent])
        sketch.rows = RowsPer(parent=entity or "", counts=kinds.Constant(value=1))
    else:
        sketch.rows = FixedRows(count=_root_count(sketches, sketch))


_ONE_EACH = re.compile(
    r"\b(?:one|a single) [a-z]+ (?:per|for each|for every) (?P<words>(?:[a-z_]+ ){0,2}[a-z_]+)(?=\s*(?:$|[.;:(]))", re.I
)


def _one_for_each(sketches: Sketches, sketch: Sketch) -> tuple[Link, RowsPer] | None:
    """What a description says: "One invoice per completed visit."."""
    said = sketch.table.description.value if sketch.table.description else ""
    match = _ONE_EACH.search(re.sub(r"\s+", " ", said))
    words = match["words"].lower().split() if match else []
    for link in sketch.links if words else ():
        parent = sketches.find(link.parent)
        if parent is None or parent is sketch or parent.is_dates or not parent.table.generated or len(link.columns) > 1:
            continue
        for size in range(len(words), 0, -1):
            if singular("_".join(words[-size:])) == parent.about and not _drives(sketches, sketch, parent):
                where = _where(parent, " ".join(words[:-size]))
                return link, RowsPer(parent=parent.name, counts=kinds.Constant(value=1), where=where)
    return None


def _where(parent: Sketch, words: str) -> str | None:
    """The rows of the parent that words before its name speak of: "completed" ones."""
    for column in parent.table.columns:
        values = column.accepted_values.value if column.accepted_values else parent.prose[column.name].values
        for value in values:
            if words and isinstance(value, str) and snake(value) == snake(words):
                return f"{quoted(column.name)} = '{value}'" if "'" not in value else None
    return None


def _only_received(sketches: Sketches, sketch: Sketch) -> str | None:
    """The condition that a refund is of a payment that came in."""
    parent = sketches.find(sketch.per)
    if parent is None or not _GIVEN_BACK.search(sketch.about):
        return None
    return next((found for word in _RECEIVED if (found := _where(parent, word))), None)


def _is_history(sketches: Sketches, sketch: Sketch, link: Link) -> bool:
    parent = sketches.find(link.parent)
    if parent is None or parent is sketch or parent.history is None:
        return False
    return sketches.entity_of(parent) != sketch.name


def _score(sketches: Sketches, sketch: Sketch, link: Link) -> float | None:
    """How apt a parent is to drive the table; None where it cannot."""
    parent = sketches.find(link.parent)
    in_key = set(link.columns) <= set(sketch.key) or any(
        set(link.columns) <= set(key.value) for key in sketch.table.unique_keys
    )
    alone = len(link.columns) == 1 and sketch.is_unique(link.columns[0])
    in_key = in_key or alone
    optional = link.declared is not None and link.declared.parents.minimum == 0
    if re.search(r"[\s,]", link.parent) or optional or parent is sketch:
        return None
    if parent is None:
        return 40.0  # The entities of a history that no table holds.
    if parent.is_dates or parent.history is not None or _drives(sketches, sketch, parent):
        return None
    if not in_key and (is_reference(parent) or not parent.table.generated or in_role(link.columns[0], parent.about)):
        return None
    words = snake(link.columns[0])
    score = 10.0 * min(_depth(sketches, parent, ()), 3)
    score += 100 if alone or set(link.columns) == set(sketch.key) else 50 if in_key else 0
    score += 30 if sketch.about.startswith(f"{parent.about}_") else 0
    score += 20 if link.least else 0
    score += 15 if len(link.columns) > 1 else 0
    score += 25 if parent.lifecycle or any(sketches.entity_of(other) == parent.name for other in sketches) else 0
    score -= 25 if len(link.columns) == 1 and not words.startswith(parent.about) and words not in link.targets else 0
    score -= 15 if not sketch.must_be_filled(link.columns[0]) and sketch.prose[link.columns[0]].optional else 0
    return score


def _drives(sketches: Sketches, sketch: Sketch, parent: Sketch) -> bool:
    """Whether `sketch` already drives the parent, through others or not."""
    seen, here = {parent.name}, parent
    while (above := sketches.find(here.per)) is not None and above.name not in seen:
        if above is sketch:
            return True
        seen.add(above.name)
        here = above
    return False


def _depth(sketches: Sketches, sketch: Sketch, seen: tuple[str, ...]) -> int:
    """How many tables, one referring to the next, stand above this one."""
    above = 0
    for link in sketch.links:
        parent = sketches.find(link.parent)
        if parent and parent.name not in (*seen, sketch.name) and not parent.is_dates and not is_reference(parent):
            above = max(above, 1 + _depth(sketches, parent, (*seen, sketch.name)) if len(seen) < 6 else 1)
    return above


# --- numbers -------------------------------------------------------------------------------------------------


def _root_count(sketches: Sketches, sketch: Sketch) -> int:
    listed = [
        len(c.accepted_values.value) for c in sketch.table.columns if c.accepted_values and sketch.is_unique(c.name)
    ]
    each = [len(item.values) for item in sketch.annotated.values() if isinstance(item, kinds.Each)]
    if listed or each:
        return min(listed + each)
    tested = _tested_count(sketch)
    if tested is not None:
        return tested
    outward = any(link.parent != sketch.name for link in sketch.links)
    if (names := known_names(sketch)) and not outward:
        return min(len(names), sketches.default_rows)
    if is_reference(sketch):
        return min(8, sketches.default_rows)
    parents = [parent for link in sketch.links if (parent := sketches.find(link.parent)) is not sketch]
    events = any(parent is None or (parent.table.generated and not is_reference(parent)) for parent in parents)
    count = sketches.default_rows * (5 if events else 1)
    least = [link.least * _count_of(sketches, link.parent) for link in sketch.links]
    most = [link.most * _count_of(sketches, link.parent) for link in sketch.links if link.most]
    most += [_whole_numbers(c) for c in sketch.table.columns if sketch.is_unique(c.name)]
    count = max([count, *(math.ceil(number) for number in least)])
    return max(1, min([count, *(int(number) for number in most if number)]))


def _tested_count(sketch: Sketch) -> int | None:
    """How many rows a data test wants the table to have; the middle of a range."""
    for test in sketch.table.data_tests:
        said = {} if test.conditional or "group_by" in test.arguments.value else test.arguments.value
        exact, least, most = (said.get(key) for key in ("value", "min_value", "max_value"))
        if test.name.endswith("expect_table_row_count_to_equal") and type(exact) is int and exact > 0:
            return exact
        if test.name.endswith("expect_table_row_count_to_be_between") and type(most) is int and most > 0:
            return (most + (least if type(least) is int else 1) + 1) // 2
    return None


def _whole_numbers(column: Column) -> float:
    """How many values a unique column that counts can take within its declared range; 0 where it has no end."""
    bounds = column.value_range.value if column.value_range else Range()
    if not isinstance(bounds.maximum, int | float):
        return 0
    least = bounds.minimum if isinstance(bounds.minimum, int | float) else 1
    return max(1, bounds.maximum - max(least, 1) + 1)


def _count_of(sketches: Sketches, name: str) -> float:
    parent = sketches.find(name)
    return _expect(sketches, parent, ()) if parent else sketches.default_rows


def _expect(sketches: Sketches, sketch: Sketch, seen: tuple[str, ...]) -> float:
    """About how many rows the table has."""
    if sketch.expected or sketch.name in seen:
        return sketch.expected or sketches.default_rows
    rows = sketch.said_rows
    if isinstance(rows, FixedRows):
        sketch.expected = float(rows.count)
    elif isinstance(rows, DateRows):
        sketch.expected = float((rows.end - rows.start) / dt.timedelta(days=1) + 1)
    elif isinstance(rows, RowsPer):
        parent = sketches.find(rows.parent)
        above = _expect(sketches, parent, (*seen, sketch.name)) if parent else sketches.default_rows
        sketch.expected = above * _mean(rows.counts)
    elif sketch.history is not None:
        entity = sketches.find(sketches.entity_of(sketch))
        above = _expect(sketches, entity, (*seen, sketch.name)) if entity else sketches.default_rows
        sketch.expected = above * 3
    elif not sketch.table.generated:
        sketch.expected = float(_lines(sketch))
    return sketch.expected


def _lines(sketch: Sketch) -> int:
    file = sketch.table.data_file
    if file is None or not file.exists():
        return 10
    with file.open("rb") as lines:
        return max(sum(1 for _ in lines) - 1, 1)


def _mean(counts: kinds.Generator) -> float:
    match counts:
        case kinds.Poisson():
            return max(counts.mean, counts.min)
        case kinds.Integer():
            return (counts.min + counts.max) / 2
        case kinds.Boolean():
            return counts.p
        case kinds.Choice():
            total = sum(counts.values.values())
            return sum(float(value) * weight for value, weight in counts.values.items()) / total
        case kinds.Constant():
            return float(counts.value or 0)
    return 2.0


def _counts(sketches: Sketches, sketch: Sketch) -> kinds.Generator:
    """How many rows there are for each row of the driving parent, within what the project declares."""
    link = driving_link(sketch)
    least, most = (link.least, link.most) if link else (0, None)
    one = link is not None and (
        sketch.key == link.columns or (len(link.columns) == 1 and sketch.is_unique(link.columns[0]))
    )
    if one or most == 1:
        return kinds.Constant(value=1) if least or not (link and link.declared) else kinds.Boolean(p=0.8)
    if _one_is_the_only_way(sketch, link):
        return kinds.Constant(value=1)
    parent = sketches.find(sketch.per)
    about = parent.about if parent else ""
    seldom = next((p for own, of, p in _SELDOM if re.search(own, sketch.about) and re.search(of, about)), None)
    if seldom and not least and (link is None or link.most is None):
        return kinds.Boolean(p=seldom)
    above = max(parent.expected if parent else sketches.default_rows, 1.0)
    # Where generations stand below each other, not every one of them multiplies.
    plain = (4.0 if above < 6 * sketches.default_rows else 1.3, 0)
    mean, usual = next((item[1:] for item in _MEANS if re.search(item[0], sketch.about)), plain)
    least = max(least, usual if most is None or most >= usual else 0)
    for other in sketch.links:
        there = sketches.find(other.parent)
        if other is link or there is None or there is sketch:
            continue
        mean = max(mean, 1.3 * other.least * there.expected / above)
        if other.most:
            mean = min(mean, 0.6 * other.most * there.expected / above)
        if link and set(other.columns) <= set(sketch.key) and set(link.columns) <= set(sketch.key):
            room = max(int(there.expected), 1)
            most = room if most is None else min(most, room)
    mean = min(mean, max(MOST_ROWS / above, 0.5))
    if most is not None:
        mean = min(mean, 0.7 * most)
        least = min(least, most)
    return kinds.Poisson(mean=float(f"{max(mean, 0.05):.3g}"), min=least, max=most)


def _one_is_the_only_way(sketch: Sketch, link: Link | None) -> bool:
    """Whether a key that holds the driving parent's has nothing else that could tell its children apart."""
    keys = [sketch.key, *(key.value for key in sketch.table.unique_keys)]
    for key in keys:
        if link is None or len(key) < 2 or not set(link.columns) < set(key):
            continue
        rest = [name for name in key if name not in link.columns]
        if not any(can_tell_apart(sketch, name) for name in rest):
            return True
    return False


def can_tell_apart(sketch: Sketch, name: str) -> bool:
    """Whether a column can differ among the children of one parent row by construction."""
    if name in sketch.annotated:
        generator = sketch.annotated[name]
        return isinstance(generator, kinds.Ordinal) or getattr(generator, "distinct", False)
    return sketch.link(name) is not None or sketch.is_unique(name) or can_count(sketch, name)


def can_count(sketch: Sketch, name: str) -> bool:
    """Whether a column can hold a row's place among its siblings."""
    column = sketch.table.column(name)
    kind = sketch.kind(name)
    if column is None or column.accepted_values or sketch.prose[column.name].values:
        return False
    if kind is None:
        return not re.search(r"(date|_on|_at|_ts|_day|timestamp|name|type|status)$", snake(name))
    return str(kind) in ("integer", "decimal", "text")
