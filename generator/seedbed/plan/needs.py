"""What a generator reads: other columns of its row, and paths to its parents' columns."""

from __future__ import annotations

import re
from collections.abc import Iterable

from seedbed.plan import kinds
from seedbed.plan.resolved import Delayed

_WORD = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"(?:\.\"(?:[^\"]|\"\")*\")*|[^\W\d]\w*(?:\.\w+)*", re.U)


def names_in_sql(text: str, known: Iterable[str]) -> tuple[str, ...]:
    """The known column names, and the paths that begin with one, that stand in a SQL expression.

    Only for finding dependencies: whether the expression is legal is decided on DuckDB's own syntax tree.
    """
    by_folded = {name.casefold(): name for name in known}
    found: dict[str, None] = {}
    for match in _WORD.finditer(text):
        word = match[0]
        if word.startswith("'"):
            continue
        path = word.replace('"', "")
        if path.casefold() in by_folded:
            found[by_folded[path.casefold()]] = None
            continue
        head, dot, tail = path.partition(".")
        if head.casefold() in by_folded and dot:
            found[f"{by_folded[head.casefold()]}.{tail}"] = None
    return tuple(found)


def needs_of(generator: kinds.Generator, known: Iterable[str]) -> tuple[str, ...]:
    """Columns of the row and paths to parents' columns that the generator reads, in order, without repeats.

    Args:
        generator: the generator.
        known: names that may start a path in SQL: the row's columns, references and parents.
    """
    known = tuple(known)
    names: list[str] = []
    match generator:
        case kinds.Template():
            names.extend(generator.columns)
        case kinds.Pool(by=by):
            names.extend(by)
        case kinds.Sql():
            names.extend(names_in_sql(generator.expression, known))
        case kinds.After() | kinds.ChoiceBy():
            names.append(generator.column)
        case kinds.CaseBy():
            names.append(generator.column)
            names.extend(name for case in generator.all_cases for name in needs_of(case, known))
        case kinds.Copy():
            names.append(generator.path)
        case kinds.Calendar(of=str() as of) | kinds.Pattern(of=str() as of) | kinds.DateKey(of=of):
            names.append(of)
        case kinds.ChangedAt(of=str() as of) | kinds.LoadedAt(of=str() as of):
            names.append(of)
        case kinds.DeletedAt() | kinds.IsDeleted():
            names.append(kinds.DELETED)
        case Delayed(of=of):
            names.append(of)
        case kinds.Version():
            names.append(generator.at)
    if isinstance(generator, kinds.Drawn):
        names.extend(generator.correlated)
    if isinstance(generator, kinds.Number) and generator.times:
        names.append(generator.times)
    if generator.when:
        names.extend(names_in_sql(generator.when, known))
    return tuple(dict.fromkeys(names))
