"""Which columns tell a table's rows apart, and which refer to other tables.

As declared; else as the descriptions say, as models join, or by name.
"""

from __future__ import annotations

import re

from seedbed.authoring.baseline.names import singular, snake
from seedbed.authoring.baseline.prose import NOTHING
from seedbed.authoring.baseline.sketch import Link, Sketch, Sketches
from seedbed.errors import Severity
from seedbed.plan import kinds
from seedbed.schema import Column, ForeignKey, TypeKind

KEY_ENDINGS = ("_id", "_sk", "_key", "_fk", "_pk", "_uuid", "_guid", "_hk", "_ref", "_nk")
CODE_ENDINGS = ("_code", "_number", "_no", "_nr", "_cd", "_name")
_KEY_NAMES = ("id", "_id", "uuid", "guid", "key", "pk", "sk", "hk", "uid")
_OWN_PARENT = re.compile(
    r"(?:parent|reports_to|supervisor|referred_by|reply_to|superior|predecessor|duplicate_of)(?:_|$)"
)
_GOODS = frozenset(["product", "article", "variant", "part"])
_MANAGED = frozenset(["employee", "staff", "worker", "person", "user", "agent"])
_PEOPLE = ("user", "employee", "agent", "staff", "member", "person", "people", "customer")
"""Tables that a person in a role, such as an assignee or an approver, is likely to stand in; the likeliest first."""
_ROLES = frozenset(
    [
        "adjuster", "agent", "approver", "assignee", "author", "buyer", "caller", "collaborator", "contact", "creator",
        "driver", "editor", "handler", "instructor", "invitee", "lead", "manager", "moderator", "organizer", "owner",
        "receiver", "recipient", "reporter", "requester", "reviewer", "sender", "seller", "submitter", "supervisor",
        "teacher", "updater",
    ]
)  # fmt: skip
_KEY_TYPES = (TypeKind.INTEGER, TypeKind.DECIMAL, TypeKind.TEXT, TypeKind.UUID)
_ALIKE = ({TypeKind.INTEGER, TypeKind.DECIMAL}, {TypeKind.TEXT, TypeKind.UUID})
"""Types that the two ends of a foreign key may have, when they are not the same."""
_QUALIFIERS = re.compile(
    r"^(?:current|default|first|last|latest|main|next|original|preferred|previous|primary|prior|secondary)_"
)
"""Words before a noun that tell which of several things is meant."""
_NEVER_STEMS = frozenset(["external", "source", "legacy", "global", "session", "message", "tax", "national", "batch"])


def find_keys(sketches: Sketches) -> None:
    """Gives every table its key: the declared one, the unique columns, or the column that is named like one."""
    for sketch in sketches.tables.values():
        sketch.key = _declared_key(sketch) or _named_key(sketch)


def find_links(sketches: Sketches) -> None:
    """Gives every table its foreign keys."""
    for sketch in sketches:
        for declared in sketch.table.foreign_keys:
            _add_declared(sketches, sketch, declared)
        _add_annotated(sketches, sketch)
    for sketch in sketches:
        _add_composite(sketches, sketch)
        for column in sketch.table.columns:
            if sketch.link(column.name) is None and column.name not in sketch.annotated:
                link = _guess(sketches, sketch, column)
                if link:
                    sketch.links.append(link)


def mark_targets(sketches: Sketches) -> None:
    """Marks the columns that foreign keys refer to: each must tell its table's rows apart."""
    for sketch in sketches:
        for link in sketch.links:
            parent = sketches.find(link.parent)
            if parent and len(link.targets) == 1 and parent.history is None:
                parent.targets.add(link.targets[0])


def _declared_key(sketch: Sketch) -> tuple[str, ...]:
    table = sketch.table
    if table.primary_key:
        return table.primary_key.value
    named = _named_key(sketch)
    declared = [column.name for column in table.columns if column.unique]
    declared += [key.value[0] for key in table.unique_keys if len(key.value) == 1 and key.value[0] not in declared]
    spoken = [name for name, prose in sketch.prose.items() if prose.unique]
    likely = [name for name in (*declared, *spoken) if _is_key_name(sketch, name)]
    if declared or spoken:
        other = any(name in declared for name in likely)
        return named if named and (named[0] in likely or not other) else ((likely or declared or spoken)[0],)
    return table.unique_keys[0].value if table.unique_keys else ()


def _named_key(sketch: Sketch) -> tuple[str, ...]:
    # A range with an end, and no word of uniqueness, speaks of something that is measured or repeats.
    columns = [column for column in sketch.table.columns if column.unique or not _ends(column)]
    by_name = {snake(column.name): column.name for column in columns}
    for name in (*_KEY_NAMES, *(f"{sketch.about}{ending}" for ending in KEY_ENDINGS)):
        if name in by_name:
            return (by_name[name],)
    last = sketch.about.rpartition("_")[2]
    named = [*(f"{last}{ending}" for ending in ("_id", "_sk", "_key")), *(["sku"] if last in _GOODS else [])]
    return next(((by_name[name],) for name in named if name in by_name), ())


def _ends(column: Column) -> bool:
    return column.value_range is not None and column.value_range.value.maximum is not None


def _is_key_name(sketch: Sketch, column: str) -> bool:
    name = snake(column)
    return name in _KEY_NAMES or (name.endswith(KEY_ENDINGS) and name.startswith(sketch.about.split("_")[0]))


# --- what is declared ----------------------------------------------------------------------------------------


def _add_declared(sketches: Sketches, sketch: Sketch, declared: ForeignKey) -> None:
    parent = sketches.find(declared.parent)
    targets = declared.parent_columns
    if any(sketch.link(column) for column in declared.columns):
        return
    if parent is None:
        parent, targets = _behind(sketches, sketch, declared)
        if parent is None:
            return
        sketches.note(
            "parent-is-built",
            f"{sketch.name}.{', '.join(declared.columns)} refers to {declared.parent}, which the project builds; its "
            f"values are taken from {parent.name}",
            declared.origin,
        )
    missing = [name for name in targets if parent.table.column(name) is None]
    if missing:
        sketches.note(
            "no-parent-column",
            f"{sketch.name}.{', '.join(declared.columns)} refers to {parent.name}.{', '.join(missing)}, which is not "
            "there; its values are made up",
            declared.origin,
            f"the columns of {parent.name} are {', '.join(parent.table.column_names)}",
            Severity.WARNING,
        )
        return
    sketch.links.append(Link(declared.columns, parent.name, targets, declared))


def _behind(sketches: Sketches, sketch: Sketch, declared: ForeignKey) -> tuple[Sketch | None, tuple[str, ...]]:
    """The table that a built model most likely takes its rows from: one about the same thing."""
    about = snake(declared.parent).split("__")[-1]
    column = Column(f"{singular(about.removeprefix('stg_').removeprefix('dim_'))}_id")
    link = _by_stem(sketches, sketch, column.name) if len(declared.columns) == 1 else None
    if link is None:
        sketches.note(
            "parent-is-built",
            f"{sketch.name}.{', '.join(declared.columns)} refers to {declared.parent}, which the project builds, and "
            "no generated table is about the same; its values are made up",
            declared.origin,
            "annotate it with a generator, for example foreign_key('<table>')",
        )
        return None, ()
    return sketches.find(link.parent), link.targets


def _add_annotated(sketches: Sketches, sketch: Sketch) -> None:
    """Foreign keys that an annotation's generator makes."""
    for name, generator in sketch.annotated.items():
        if isinstance(generator, kinds.ForeignKey) and sketch.link(name) is None:
            parent = sketches.find(generator.parent)
            if parent:
                target = generator.column or next(iter(parent.key), name)
                sketch.links.append(Link((name,), parent.name, (target,)))


# --- what names and prose say --------------------------------------------------------------------------------


def _add_composite(sketches: Sketches, sketch: Sketch) -> None:
    """A table that has all columns of another's composite key, and more of its own key, refers to it by them."""
    here = {column.name.casefold(): column.name for column in sketch.table.columns}
    for parent in sketches.nearest(sketch):
        names = [name.casefold() for name in parent.key]
        if len(names) < 2 or parent is sketch or not all(name in here for name in names):
            continue
        columns = tuple(here[name] for name in names)
        if set(columns) == set(sketch.key) or not sketch.key:
            continue
        declared = [link for link in sketch.links if set(link.columns) & set(columns) and link.declared]
        if len(declared) >= len(columns) or len(set(parent.key) & set(parent.table.column_names)) < len(names):
            continue
        if any(sketch.link(column) or sketch.is_unique(column) for column in columns):
            continue
        sketch.links.append(Link(columns, parent.name, parent.key))


def _guess(sketches: Sketches, sketch: Sketch, column: Column) -> Link | None:
    name = column.name
    own_key = sketch.key == (name,)
    own_key_name = snake(name) in _KEY_NAMES or snake(name).startswith(sketch.about)
    if own_key_name and (own_key or sketch.is_unique(name)):
        return None
    if column.accepted_values or sketch.kind(name) not in (None, *_KEY_TYPES):
        return None
    said = sketch.prose.get(name, NOTHING).refers_to
    link = _by_words(sketches, sketch, name, *said) if said else None
    if own_key or (link and link.parent != sketch.name):
        return None if own_key else link
    named = _by_name(sketches, sketch, column)
    return _by_join(sketches, sketch, column, named) or named or link


def _by_name(sketches: Sketches, sketch: Sketch, column: Column) -> Link | None:
    name = column.name
    return (
        _by_same_key(sketches, sketch, name)
        or _by_own_parent(sketch, name)
        or _by_stem(sketches, sketch, name)
        or _by_person(sketches, sketch, name)
        or _by_bare_noun(sketches, sketch, column)
    )


def _by_join(sketches: Sketches, sketch: Sketch, column: Column, named: Link | None) -> Link | None:
    """As models join the column: with another table's key. Where they join it with several, the name decides."""
    links: dict[str, Link] = {}
    joins = [join for join in sketch.table.joins if join.column == column.name]
    for join in joins:
        parent = sketches.find(join.table)
        if parent is not None and (parent.key == (join.other,) or parent.is_unique(join.other)):
            link = _link(sketch, column.name, parent, join.other)
            if link is not None:
                links.setdefault(parent.name, link)
    if len(links) > 1 and not (named and named.parent in links):
        parents = " and ".join(links)
        sketches.note(
            "joined-with-several",
            f"models join {sketch.name}.{column.name} with the keys of {parents}; none is taken for what it refers to",
            joins[0].origin,
            f"say it with a relationships test, or foreign_keys: of the annotation of {sketch.name}",
        )
    if named and named.parent in links:
        return links[named.parent]
    return next(iter(links.values())) if len(links) == 1 else None


def _link(sketch: Sketch, column: str, parent: Sketch, target: str | None = None) -> Link | None:
    """A link to the parent's key, or to the named column of it; None where types cannot fit."""
    found = parent.table.column(target) if target else None
    name = found.name if found else (parent.key[0] if len(parent.key) == 1 else None)
    if name is None or (parent is sketch and name == column):
        return None
    both = {sketch.kind(column), parent.kind(name)}
    if parent is sketch and (len(both - {None}) > 1 or both == {None, TypeKind.UUID}):
        return None
    if len(both - {None}) > 1 and not any(both - {None} <= alike for alike in _ALIKE):
        return None
    return Link((column,), parent.name, (name,))


def _by_words(sketches: Sketches, sketch: Sketch, column: str, table: str, target: str | None) -> Link | None:
    """As a description says; a word that is no table's name says nothing."""
    spoken = singular(snake(table))
    for parent in sketches.nearest(sketch):
        exact = parent.name.casefold() in (table.casefold(), table.casefold().rpartition(".")[2])
        if exact or parent.about == spoken:
            link = _link(sketch, column, parent, target or _same_unique(parent, column))
            if link and (parent is not sketch or not parent.key or column not in parent.key):
                return link
    return None


def _by_same_key(sketches: Sketches, sketch: Sketch, column: str) -> Link | None:
    """A column named as another table's key: `case_sk`."""
    name = snake(column)
    # An article number that tells a table's own rows apart is not drawn from elsewhere.
    numbers_rows = name == "sku" and any(column in key.value for key in sketch.table.unique_keys)
    if name in _KEY_NAMES or numbers_rows:
        return None
    holders = [
        other
        for other in sketches.nearest(sketch)
        if other is not sketch and len(other.key) == 1 and snake(other.key[0]) == name
    ]
    about = _stem(name)
    best = next((other for other in holders if other.about == about), holders[0] if len(holders) == 1 else None)
    return _link(sketch, column, best) if best else None


def _same_unique(parent: Sketch, column: str) -> str | None:
    """The parent's unique column of the same name: `order_key` where that stands beside an `order_id`."""
    found = parent.table.column(column)
    return found.name if found and found.unique else None


def _by_stem(sketches: Sketches, sketch: Sketch, column: str) -> Link | None:
    """A column named after another table: `customer_id`, `billing_address_id`, `created_by_user_id`."""
    name = snake(column)
    stem = _stem(name)
    if not name.endswith(KEY_ENDINGS) or stem in _NEVER_STEMS:
        return None
    words = stem.split("_")
    for start in range(len(words)):
        wanted = singular("_".join(words[start:]))
        for parent in sketches.nearest(sketch):
            if parent.about == wanted and not (parent is sketch and start == 0):
                link = _link(sketch, column, parent, _same_unique(parent, column))
                if link:
                    return link
    return None


def _by_bare_noun(sketches: Sketches, sketch: Sketch, column: Column) -> Link | None:
    """A column called as the thing itself, `customer` or `latest_invoice`, where that has a plain `id`.

    Where its key is called after it, such as `product_id`, a column `product` is rather its name.
    """
    noun = _QUALIFIERS.sub("", snake(column.name))
    if column.description and re.search(r"\bname\b", column.description.value, re.I):
        return None
    for parent in sketches.nearest(sketch):
        by_id = len(parent.key) == 1 and snake(parent.key[0]) in _KEY_NAMES
        own = sketch.table.source, parent.table.source
        together = (own[0] and own[0].source_name) == (own[1] and own[1].source_name)
        if parent is not sketch and parent.about == noun and by_id and together:
            return _link(sketch, column.name, parent)
    return None


def _by_own_parent(sketch: Sketch, column: str) -> Link | None:
    """A tree: `parent_id`, `parent_category_id`; `manager_id` among employees."""
    name = snake(column)
    managed = sketch.about in _MANAGED and _stem(name) in ("manager", "supervisor", "lead", "boss")
    if len(sketch.key) != 1 or not (managed or _OWN_PARENT.match(name)):
        return None
    stem = _stem(name).removeprefix("parent").strip("_")
    if name.startswith("parent") and stem and stem != sketch.about:
        return None
    return _link(sketch, column, sketch)


def _by_person(sketches: Sketches, sketch: Sketch, column: str) -> Link | None:
    """A person in a role, by a key: `assignee_id`, `approved_by_id`; `created_by` where it holds a number or UUID."""
    name = snake(column)
    stem = _stem(name)
    is_key = name.endswith(KEY_ENDINGS) or sketch.kind(column) in (TypeKind.INTEGER, TypeKind.UUID)
    if not is_key or not (stem.split("_")[-1] in _ROLES or stem.endswith("_by")):
        return None
    tables = sketches.nearest(sketch)
    for about in (stem, *_PEOPLE):
        parent = next((item for item in tables if item.about == about or item.about.endswith(f"_{about}")), None)
        link = _link(sketch, column, parent) if parent else None
        if link:
            return link
    return None


def in_role(column: str, about: str) -> bool:
    """Whether a foreign key names a person by a role, such as an approver, rather than what the row belongs to."""
    stem = _stem(snake(column))
    return stem != about and (stem.endswith("_by") or stem.split("_")[0] in _ROLES or stem.split("_")[-1] in _ROLES)


def _stem(name: str) -> str:
    for ending in (*KEY_ENDINGS, *CODE_ENDINGS):
        if name.endswith(ending) and len(name) > len(ending):
            return name.removesuffix(ending)
    return name
