"""Reads YAML as documents, which know the place of every value.

Two dialects. Property files are read as dbt reads them (YAML 1.1, anchors allowed), so that Seedbed sees
what dbt sees. A plan is read strictly (YAML 1.2 scalars, no anchors, no tags), so that `NO` stays a country
and `01234` a text. Both refuse duplicate keys and anything that could exhaust the machine.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from seedbed.documents import Document, Path
from seedbed.errors import Diagnostic, Location, ProjectError

MAX_BYTES = 5_000_000
MAX_DEPTH = 40
MAX_NODES = 500_000

# libyaml's, where PyYAML was built with it, reads ten times faster; dbt takes it too.
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _StrictLoader(_Loader):  # type: ignore[misc,valid-type]
    """YAML 1.2 core scalars: true/false/null, plain integers and decimals; everything else is text."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


_StrictLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_StrictLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:null|~|)$"), ["n", "~", ""])
_StrictLoader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^-?(?:0|[1-9][0-9]*)$"), list("-0123456789"))
_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$"),
    list("-0123456789"),
)

_UNQUOTED_CALL = re.compile(r"[^\"#]*:\s+[a-z_]+\(.*(?:\{|:\s)", re.IGNORECASE)


def read_yaml(text: str, file: str, *, strict: bool = False) -> Document:
    """Reads one YAML document.

    Args:
        text: the file's content.
        file: its name, relative to the project, for messages.
        strict: the plan's dialect instead of dbt's.

    Raises:
        ProjectError: the text is no YAML, has a duplicate key, or (strict) an anchor or a tag.
    """
    if len(text) > MAX_BYTES:
        raise _refused("yaml-too-large", f"the file has {len(text):,} characters; at most {MAX_BYTES:,} are read", file)
    try:
        loader = (_StrictLoader if strict else _Loader)(text.removeprefix("\ufeff"))
    except yaml.YAMLError as error:  # a control character
        raise _refused("yaml-syntax", f"this is not valid YAML: {error}", file) from None
    try:
        _check_depth(text, file)
        root = loader.get_single_node()
        marks: dict[Path, tuple[int, int]] = {}
        builder = _Builder(loader, file, marks, strict)
        return Document(builder.build(root, (), 0) if root is not None else None, file, (), marks)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = Location(file, mark.line + 1, mark.column + 1) if mark else Location(file)
        said = " ".join(part for part in (error.context, error.problem) if part)
        raise _refused("yaml-syntax", f"this is not valid YAML: {said}", at, _cure(text, at.line)) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise _refused("yaml-syntax", f"this is not valid YAML: {error}", file) from None
    finally:
        loader.dispose()


def _refused(code: str, message: str, place: Location | str, hint: str | None = None) -> ProjectError:
    location = place if isinstance(place, Location) else Location(place)
    return ProjectError(diagnostics=[Diagnostic(code, message, location, hint=hint)])


def _cure(text: str, line: int | None) -> str | None:
    """A hint where the faulty line begins with a tab, or holds a call whose braces or colons YAML takes for its own."""
    lines = text.split("\n")
    found = lines[line - 1][:500] if line and line <= len(lines) else ""
    if "\t" in found[: len(found) - len(found.lstrip())]:
        return "a tab stands before the text, which YAML does not allow there: indent with spaces"
    if _UNQUOTED_CALL.match(found):
        return "put the text with the brackets between double quotes: \"choice({'a': 1, 'b': 2})\""
    return None


def _check_depth(text: str, file: str) -> None:
    """Walks the parser's events, which needs no recursion, before anything is built from them."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                mark = event.start_mark
                at = Location(file, mark.line + 1, mark.column + 1) if mark else Location(file)
                raise _refused("yaml-too-deep", f"values are nested more than {MAX_DEPTH} deep", at)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Builder:
    """Turns YAML nodes into Python values and notes where each stood."""

    def __init__(self, loader: yaml.SafeLoader, file: str, marks: dict[Path, tuple[int, int]], strict: bool) -> None:
        self.loader, self.file, self.marks, self.strict = loader, file, marks, strict
        self.anchors: set[int] = set()
        self.own_keys: dict[int, set[int]] = {}
        self.nodes = 0

    def build(self, node: yaml.Node, path: Path, depth: int) -> Any:
        self.nodes += 1
        at = self._place(node)
        if self.nodes > MAX_NODES:
            raise _refused("yaml-too-large", f"the file holds more than {MAX_NODES:,} values", at)
        if depth > MAX_DEPTH:
            raise _refused("yaml-too-deep", f"values are nested more than {MAX_DEPTH} deep", at)
        if self.strict:
            self._refuse_anchor(node, at)
        self.marks.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*path, index), depth + 1) for index, child in enumerate(node.value)]
        if not node.tag.startswith("tag:yaml.org,2002:"):
            raise _refused("yaml-tag", f"the tag {node.tag} is not understood here", at)
        if isinstance(node.value, str) and node.tag == "tag:yaml.org,2002:int" and len(node.value) > 40:
            raise _refused("yaml-number", "a number has more than 40 digits", at)
        return self.loader.construct_object(node, deep=True)

    def _mapping(self, node: yaml.MappingNode, path: Path, depth: int) -> dict[str, Any]:
        # What an alias names is built again, and by then holds what it merged in among its own keys.
        own = self.own_keys.setdefault(id(node), {id(key) for key, _ in node.value})
        if not self.strict:
            self.loader.flatten_mapping(node)  # Puts what `<<` merges in before the mapping's own keys.
        result: dict[str, Any] = {}
        written: set[str] = set()
        for key_node, value_node in node.value:
            key = self.loader.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                # PyYAML reads `yes:`, `1:` and dates as other types; as a key only its text makes sense.
                key = str(key_node.value)
            at = self._place(key_node)
            if key in written:
                first = self.marks[(*path, key)]
                raise _refused(
                    "duplicate-key",
                    f'the key "{key}" stands twice here, first in line {first[0]}; only one of them can count',
                    at,
                    "remove or rename one of them",
                )
            if id(key_node) in own:
                written.add(key)
            self.marks[(*path, key)] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            result[key] = self.build(value_node, (*path, key), depth + 1)
        return result

    def _place(self, node: yaml.Node) -> Location:
        return Location(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def _refuse_anchor(self, node: yaml.Node, at: Location) -> None:
        if id(node) in self.anchors:
            raise _refused("yaml-alias", "anchors and aliases are not allowed here", at, "write the value out")
        self.anchors.add(id(node))
