"""What things are called: by names known for their kind, places after their city, others after what they are."""

from __future__ import annotations

import re

from seedbed.authoring.baseline.names import names_a_list, snake
from seedbed.authoring.baseline.sketch import Sketch
from seedbed.plan import kinds
from seedbed.plan.calls import parse_call
from seedbed.schema import Column, Scalar, TypeKind

_ANY_THING = "pattern('<thing> {n}')"
"""What `column_names.txt` says of the name of a thing of which it knows no more."""
_WARES = frozenset(
    ["accessory", "article", "asset", "component", "device", "equipment", "furniture", "gift", "good", "goods", "item",
     "listing", "material", "merchandise", "part", "product", "sku", "stock", "tool", "toy", "variant", "ware"]
)  # fmt: skip
_PLACES = frozenset(
    ["branch", "clinic", "club", "dealership", "depot", "dock", "facility", "factory", "garage", "gym", "hospital",
     "hotel", "hub", "library", "museum", "office", "outlet", "plant", "school", "shop", "site", "station", "store",
     "studio", "terminal", "theater", "theatre", "university", "venue", "warehouse", "yard"]
)  # fmt: skip
"""What products are, and places that are told apart by their city."""
_SHORT = frozenset(["api", "crm", "erp", "hr", "id", "it", "kpi", "qa", "sku", "sla", "sql", "ui", "vip"])
_WHICH = frozenset(
    ["code", "common", "display", "external", "full", "internal", "long", "new", "old", "public", "short"]
)
"""Words before `name` that say which name it is, not of what."""
_LONGEST_CITY = 26


def known_names(sketch: Sketch) -> tuple[Scalar, ...]:
    """The names that the rows of a table of such things usually have; none where they are not known.

    They stand in `column_names.txt`: as a plain list, since shares tell of what many rows have in common; of the
    kinds of things that a short list is about, also with shares.
    """
    for column in sketch.table.columns:
        kind = sketch.kind(column.name)
        if is_own_name(sketch, column.name) and kind in (None, TypeKind.TEXT) and not column.accepted_values:
            found = sketch.read(column.name, TypeKind.TEXT)
            listed = parse_call(found[1])[1][0] if found and found[1].startswith("choice(") else []
            length = column.data_type.value.length if column.data_type else None
            shared = isinstance(listed, dict) and not names_a_list(sketch.about)
            return () if shared else tuple(name for name in listed if length is None or len(name) <= length)
    return ()


def is_own_name(sketch: Sketch, name: str) -> bool:
    """Whether a column holds the names of the table's own things."""
    kind = sketch.about.rpartition("_")[2]
    return snake(name) in ("name", sketch.about, f"{sketch.about}_name", f"{kind}_name")


def name_things(sketch: Sketch, column: Column, found: tuple[str, str] | None) -> kinds.Generator | None:
    """Names for the things that a column names, if it does and no rule knows better."""
    if found is None or sketch.kind(column.name) not in (None, TypeKind.TEXT):
        return None
    own, thing = is_own_name(sketch, column.name), _thing(sketch, column.name)
    city = next((item for item in sketch.table.columns if snake(item.name) in ("city", "city_name", "town")), None)
    if own and city and thing.rpartition("_")[2] in _PLACES and _has_room(column, thing):
        return kinds.Template(template=f"{{{city.name}}} {_spoken(thing)}")
    if own and sketch.history is None and (names := known_names(sketch)):
        return kinds.Each(values=names)
    if found[1] != _ANY_THING:
        return None
    if thing.rpartition("_")[2] in _WARES:
        return kinds.Fake(what="product")
    return kinds.Pattern(template=_spoken(thing) + (" {n}" if own else " {digits:2}"))


def unique_name(sketch: Sketch, column: Column) -> kinds.Generator | None:
    """The same for a column in which no two are called alike."""
    found = sketch.read(column.name, TypeKind.TEXT)
    named = is_own_name(sketch, column.name) and found is not None and found[1].startswith("choice(")
    if found is None or not (named or found[1] == _ANY_THING):
        return None
    thing = _thing(sketch, column.name)
    if thing.rpartition("_")[2] in _WARES:
        return kinds.Fake(what="product", unique=True)
    return kinds.Pattern(template=f"{_spoken(thing)} {{n}}")


def _thing(sketch: Sketch, name: str) -> str:
    stem = re.sub(r"_?name$", "", snake(name))
    return sketch.about if len(stem) < 3 or stem in _WHICH else stem


def _spoken(thing: str) -> str:
    return " ".join(word.upper() if word in _SHORT else word.capitalize() for word in thing.split("_"))


def _has_room(column: Column, thing: str) -> bool:
    length = column.data_type.value.length if column.data_type else None
    return length is None or length > _LONGEST_CITY + len(thing)
