"""The generators of keys: values that tell rows apart, and foreign keys."""

from __future__ import annotations

import re

from seedbed.authoring.baseline.formats import code_template, counted, fits, template_of_regex, whole_digits
from seedbed.authoring.baseline.names import snake
from seedbed.authoring.baseline.prose import NOTHING
from seedbed.authoring.baseline.rows import can_count, driving_link, is_reference
from seedbed.authoring.baseline.sketch import TEMPORAL, Link, Sketch, Sketches
from seedbed.authoring.baseline.titles import unique_name
from seedbed.errors import Severity
from seedbed.plan import kinds
from seedbed.plan.spec import DateRows, FixedRows
from seedbed.schema import Column, TypeKind

_OPTIONAL_ROLE = re.compile(
    r"(?:parent|manager|supervisor|approved_by|approver|deleted_by|closed_by|cancelled_by|referr\w+|promo\w*|coupon\w*|"
    r"campaign|previous|prior|second\w*|latest|next|default|backup|alternat\w+|replaced_by|merged_into)(?:_|$)"
)
_SURROGATE = re.compile(r"surrogate|synthetic|hash(ed)?\b|md5|generate_surrogate_key", re.I)
_LINES = re.compile(r"(?:^|_)(?:line|seq|sequence|position|item|row|ordinal|no|number|num|index|idx|step|order)(?:_|$)")


def plan_keys(sketches: Sketches) -> None:
    """Decides all key columns and foreign keys, so that keys are unique by construction."""
    for sketch in sketches:
        if sketch.history and isinstance(sketch.history.entity, str) and sketch.link(sketch.history.entity) is None:
            _plan_single(sketches, sketch, sketch.history.entity)
        distinct = _plan_unique(sketches, sketch)
        for link in sketch.links:
            _plan_link(sketches, sketch, link, link.columns in distinct)


def _plan_unique(sketches: Sketches, sketch: Sketch) -> set[tuple[str, ...]]:
    """Makes every key unique; returns the links whose parents must differ among siblings."""
    distinct: set[tuple[str, ...]] = set()
    keys = [sketch.key, *(key.value for key in sketch.table.unique_keys)]
    keys += [(column.name,) for column in sketch.table.columns if sketch.is_unique(column.name)]
    for key in dict.fromkeys(key for key in keys if key):
        if len(key) == 1:
            _plan_single(sketches, sketch, key[0])
        else:
            distinct |= _plan_composite(sketches, sketch, key, distinct)
    return distinct


def _plan_single(sketches: Sketches, sketch: Sketch, name: str) -> None:
    column = sketch.table.column(name)
    if column is None or sketch.link(name) or name in sketch.generators or name in sketch.recorded:
        return
    generator = unique_generator(sketch, column, _kind_of_children(sketches, sketch, name))
    if generator is not None:
        sketch.decide(column.name, generator)
        if isinstance(generator, kinds.Each) and not _are_enough(sketch, len(generator.values)):
            hint = f"let at most {len(generator.values)} rows be wanted, or accept more values"
            _cannot(sketches, sketch, (name,), hint)
    elif name not in sketch.annotated:
        _cannot(
            sketches, sketch, (name,), "give it a type that can hold many values, or an annotation with a generator"
        )


def _are_enough(sketch: Sketch, values: int) -> bool:
    """Whether a table surely has no more rows than that."""
    return isinstance(sketch.said_rows, FixedRows) and sketch.said_rows.count <= values and sketch.history is None


def _plan_composite(
    sketches: Sketches, sketch: Sketch, key: tuple[str, ...], already: set[tuple[str, ...]]
) -> set[tuple[str, ...]]:
    if any(sketch.is_unique(name) for name in key):
        return set()
    if sketch.history is not None:
        if not _tells_versions_apart(sketch, key):
            _make_one_unique(sketches, sketch, key)
        return set()
    driving = driving_link(sketch)
    if driving is None or not set(driving.columns) <= set(key):
        if not any(sketch.link(name) for name in key) or driving is None:
            _make_one_unique(sketches, sketch, key)
            return set()
        _cannot(sketches, sketch, key, f"give the table `rows: per` the parent of one of {', '.join(key)}")
        return set()
    rest = [name for name in key if name not in driving.columns]
    if any(isinstance(sketch.generator(name), kinds.Ordinal) for name in rest):
        return set()
    counting = [name for name in rest if sketch.link(name) is None and can_count(sketch, name)]
    counting.sort(key=lambda name: not _LINES.search(snake(name)))
    links = [link for link in sketch.links if set(link.columns) <= set(rest)]
    if any(link.columns in already for link in links):
        return set()
    if counting:
        sketch.decide(counting[0], kinds.Ordinal())
    elif links:
        return {links[0].columns}
    elif not (rest and isinstance(sketch.said_rows, DateRows)):
        sketches.note(
            "one-row-each",
            f"nothing but {', '.join(rest)} tells the rows of one {driving.parent} apart in {sketch.name}, so that "
            "each has one row",
            sketch.table.origin,
            "add a table of dates and a foreign key to it, or a column that counts",
        )
    return set()


def _tells_versions_apart(sketch: Sketch, key: tuple[str, ...]) -> bool:
    """Whether a key of a history holds the entity and something that no two of its versions share."""
    assert sketch.history is not None
    history = sketch.history
    differs = {history.valid_from, history.version, None if history.revisit else history.state}
    return set(_entity_columns(sketch)) <= set(key) and bool(differs & set(key))


def _make_one_unique(sketches: Sketches, sketch: Sketch, key: tuple[str, ...]) -> None:
    """A composite key without a parent: one of its columns never repeats."""
    if any(isinstance(sketch.generator(name), kinds.Sequence | kinds.Uuid | kinds.HashKey) for name in key):
        return
    for name in sorted(key, key=lambda name: not can_count(sketch, name)):
        column = sketch.table.column(name)
        if column is None or sketch.link(name) or name in sketch.annotated or column.accepted_values:
            continue
        generator = unique_generator(sketch, column)
        if generator is not None:
            sketch.decide(name, generator)
            return
    _cannot(sketches, sketch, key, "add an annotation that says how its rows differ")


def _cannot(sketches: Sketches, sketch: Sketch, key: tuple[str, ...], hint: str) -> None:
    sketches.note(
        "no-unique-values",
        f"nothing makes ({', '.join(key)}) of {sketch.name} unique",
        sketch.table.origin,
        hint,
        Severity.WARNING,
    )


# --- values that tell rows apart -----------------------------------------------------------------------------


def _kind_of_children(sketches: Sketches, sketch: Sketch, name: str) -> TypeKind | None:
    """The type of a column that refers to this one, which has to hold its values."""
    for child in sketches:
        for link in child.links_to(sketch.name):
            for column, target in zip(link.columns, link.targets, strict=True):
                if target == name and child.kind(column) is not None:
                    return child.kind(column)
    return None


def unique_generator(sketch: Sketch, column: Column, otherwise: TypeKind | None = None) -> kinds.Generator | None:
    """A generator that gives every row another value, apt for the column's type, name and description.

    `otherwise` is the type of an untyped column, as far as it follows from others.
    """
    prose = sketch.prose.get(column.name, NOTHING)
    kind = sketch.kind(column.name) or otherwise
    length = column.data_type.value.length if column.data_type else None
    if column.accepted_values:
        return kinds.Each(values=column.accepted_values.value)
    if kind in (TypeKind.INTEGER, TypeKind.DECIMAL, TypeKind.FLOAT):
        least = column.value_range.value.minimum if column.value_range else prose.minimum
        if least is None and (digits := whole_digits(prose.template)):
            least = 10 ** (digits - 1)
        return kinds.Sequence(start=max(int(least), 1) if isinstance(least, int | float) else 1)
    if kind is TypeKind.UUID:
        return kinds.Uuid()
    if kind in (TypeKind.BOOLEAN, TypeKind.TIME, TypeKind.BINARY, TypeKind.JSON, *TEMPORAL):
        return None
    return _unique_text(sketch, column, length, declared=kind is TypeKind.TEXT)


def _unique_text(sketch: Sketch, column: Column, length: int | None, *, declared: bool) -> kinds.Generator:
    name, prose = snake(column.name), sketch.prose.get(column.name, NOTHING)
    templates = [prose.template]
    if column.matches:
        found = template_of_regex(column.matches.value)
        if isinstance(found, tuple):
            return kinds.Each(values=found)
        templates.insert(0, found)
    for template in templates:
        unique = counted(template, column.matches.value if column.matches else None) if template else None
        if unique and fits(unique, length):
            return kinds.Pattern(template=unique)
    said = column.description.value if column.description else ""
    if re.search(r"uuid|guid", name) or prose.meaning == "uuid()" or length == 36:
        return kinds.Uuid() if length is None or length >= 36 else kinds.HashKey()
    hashed = name.endswith(("_hk", "_hash", "_hash_key")) or _SURROGATE.search(said) or prose.meaning == "hash_key()"
    if (hashed or length == 32) and (length is None or length >= 32):
        return kinds.HashKey()
    named = unique_name(sketch, column)
    if named is not None and (length is None or length >= 40):
        return named
    found_name = sketch.read(column.name, TypeKind.TEXT)
    if found_name and found_name[1].startswith("pattern("):
        known = counted(found_name[1].split("'")[1])
        if known and fits(known, length):
            return kinds.Pattern(template=known)
    if (
        found_name
        and found_name[1].startswith("fake(")
        and (length is None or length >= 40 or "'iban'" in found_name[1])
    ):
        what = found_name[1].split("'")[1]
        return kinds.Fake(what=what, unique=True)
    textual = re.search(
        r"(?:_code|_number|_no|_nr|_ref|reference|_cd|code|sku|iban|isbn|serial|slug|name|title)$", name
    )
    if not declared and not textual:
        return kinds.Sequence()
    about = re.sub(r"_?(?:code|number|no|nr|ref|reference|id|key|sk|cd)$", "", name) or sketch.about
    return kinds.Pattern(template=code_template(about, length))


# --- foreign keys --------------------------------------------------------------------------------------------


def _plan_link(sketches: Sketches, sketch: Sketch, link: Link, distinct: bool) -> None:
    parent = sketches.find(link.parent)
    if all(name in sketch.annotated or name in sketch.generators for name in link.columns):
        return
    if parent is sketch:
        _plan_tree(sketches, sketch, link)
        return
    if parent is not None and parent.is_dates and not distinct:
        return  # Its day comes from a moment; what is left over is drawn there.
    settings: dict[str, object] = {}
    driving = driving_link(sketch)
    is_entity = sketch.history is not None and link.columns[0] in _entity_columns(sketch)
    if link is not driving and not is_entity:
        settings = _finding(sketches, sketch, link, parent, distinct)
    explicit = parent is None or len(link.columns) > 1 or not _is_found_key(parent, link.targets[0])
    for name, target in zip(link.columns, link.targets, strict=True):
        if len(link.columns) > 1 and link.declared is None:
            settings["role"] = "_".join(link.columns)
        column = target if explicit else None
        sketch.decide(name, kinds.ForeignKey.model_validate({"parent": link.parent, "column": column, **settings}))


def _finding(
    sketches: Sketches, sketch: Sketch, link: Link, parent: Sketch | None, distinct: bool
) -> dict[str, object]:
    """How the parent is drawn, and how often there is none."""
    if distinct:
        return {"distinct": True}
    through = _same_of_parent(sketches, sketch, link)
    if through is not None:
        return {"via": through}
    settings: dict[str, object] = {}
    first = link.columns[0]
    prose = sketch.prose.get(first, NOTHING)
    if len(link.columns) == 1 and sketch.is_unique(first):
        settings["unique"] = True
    elif not (link.least or link.most) and _is_popular(parent):
        settings["zipf"] = 0.6
    declared_optional = link.declared is not None and link.declared.parents.minimum == 0
    by_role = link.declared is None and _OPTIONAL_ROLE.search(snake(first))
    filled = any(sketch.must_be_filled(name) for name in link.columns)
    if (declared_optional or by_role or prose.optional or prose.filled_when) and not filled:
        settings["null"] = 0.2
    return settings


def _is_popular(parent: Sketch | None) -> bool:
    """Whether a few of the parent's rows are naturally referred to by many: of things, not of kinds or versions."""
    return parent is not None and not is_reference(parent) and parent.history is None and parent.expected > 20


def _same_of_parent(sketches: Sketches, sketch: Sketch, link: Link) -> str | None:
    """The key of the row's parent whose own column this one repeats: an order's customer in each of its lines."""
    holder = sketches.find(sketches.entity_of(sketch)) if sketch.history else sketches.find(sketch.per)
    keys = [sketch.key, *(key.value for key in sketch.table.unique_keys)]
    if holder is None or len(link.columns) > 1 or any(link.columns[0] in key for key in keys):
        return None
    up = sketch.link(_entity_columns(sketch)[0]) if sketch.history else driving_link(sketch)
    column = holder.table.column(link.columns[0])
    there = holder.link(column.name) if column else None
    same = there is not None and (there.parent, there.targets) == (link.parent, link.targets)
    return up.columns[0] if up and len(up.columns) == 1 and same else None


def _is_found_key(parent: Sketch, target: str) -> bool:
    """Whether a foreign key that names only the table finds this column."""
    table = parent.table
    if table.primary_key:
        return table.primary_key.value == (target,)
    if table.unique_keys:
        return table.unique_keys[0].value == (target,)
    declared = [column.name for column in table.columns if column.unique]
    if declared or not table.generated:
        return declared[:1] == [target]
    is_made = parent.key == (target,) and parent.link(target) is None
    return is_made and table.column_names[:1] == (target,)


def _entity_columns(sketch: Sketch) -> tuple[str, ...]:
    assert sketch.history is not None
    entity = sketch.history.entity
    return (entity,) if isinstance(entity, str) else entity


def _plan_tree(sketches: Sketches, sketch: Sketch, link: Link) -> None:
    name = link.columns[0]
    if len(link.columns) == 1 and not sketch.must_be_filled(name):
        roots = max(1, round(sketch.expected / 20))
        explicit = None if _is_found_key(sketch, link.targets[0]) else link.targets[0]
        sketch.decide(name, kinds.ForeignKey(parent=sketch.name, column=explicit, roots=roots))
        return
    sketches.note(
        "tree-without-roots",
        f"{sketch.name}.{', '.join(link.columns)} refers to its own table and is never null, so that every row "
        "refers to itself",
        sketch.table.origin,
        "let it be null in the rows at the top",
    )
    for column, target in zip(link.columns, link.targets, strict=True):
        sketch.decide(column, kinds.Sql(expression='"' + target.replace('"', '""') + '"'))
