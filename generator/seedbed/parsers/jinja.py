"""Jinja inside YAML, rendered as dbt renders it: a lone expression keeps its type, everything else is text.

The text comes from outside, so only expressions are evaluated (no loops, assignments, macros or includes), over a
closed set of functions, methods and filters, none of which can make a value large or reach the machine.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import jinja2
from jinja2 import meta, nodes
from jinja2.nativetypes import NativeEnvironment
from jinja2.sandbox import ImmutableSandboxedEnvironment

from seedbed.documents import Document, Path
from seedbed.errors import NOWHERE, Diagnostic, Location, ProjectError, Severity, closest
from seedbed.yaml_text import read_yaml

MAX_TEMPLATE = 20_000
MAX_VALUE = 200_000
MAX_BITS = 4_096

_MARKS = re.compile(r"\{[{%#]|[#}%]\}")
_CALL = re.compile(r"^\s*(?:env_var|ref|var|source|doc)\s*\(.+\)\s*$", re.DOTALL)
_REFERENCE = re.compile(r"""\{\{\s*(ref|source)\(\s*(['"])(\w+)\2\s*(?:,\s*(['"])(\w+)\4\s*)?\)\s*\}\}""")
_SECRET = re.compile(
    r"(?:^|_)(?:SECRETS?|TOKENS?|PASSWORD|PASSWD|CREDENTIALS?|(?:API|ACCESS|PRIVATE|ACCOUNT)_?KEY)(?:_|$)",
    re.IGNORECASE,
)

_DBT_ONLY = frozenset(
    ("modules", "run_started_at", "invocation_id", "builtins", "flags", "dbt_version", "graph", "this", "adapter")
)

_EXPRESSIONS = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.List,
    nodes.Tuple,
    nodes.Dict,
    nodes.Pair,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.BinExpr,
    nodes.UnaryExpr,
    nodes.Concat,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Slice,
    nodes.Call,
    nodes.Keyword,
    nodes.Filter,
    nodes.Test,
)


class Refused(Exception):
    """A template asks for something that cannot be had; becomes a diagnostic at the template's place."""

    def __init__(self, code: str, message: str, hint: str | None = None, severity: Severity = Severity.WARNING) -> None:
        super().__init__(message)
        self.code, self.message, self.hint, self.severity = code, message, hint, severity


class _Text(str):
    """Marks a value that `as_text` keeps as text."""


class _Native(str):
    """Marks a value that `as_native`, `as_bool` or `as_number` turns into the literal it spells."""

    wanted: tuple[type, ...] = (object,)


class _Bool(_Native):
    wanted = (bool,)


class _Number(_Native):
    wanted = (int, float)


def _bounded(value: Any) -> Any:
    if isinstance(value, str | list | tuple | dict) and len(value) > MAX_VALUE:
        raise Refused("jinja-too-large", f"the expression makes a value of {len(value):,} parts")
    return value


def _replace(text: Any, old: Any, new: Any) -> str:
    whole, new_text = str(text), str(new)
    if len(whole) + whole.count(str(old)) * len(new_text) > MAX_VALUE:
        raise Refused("jinja-too-large", "the expression makes too large a text")
    return whole.replace(str(old), new_text)


def _join(values: Iterable[Any], separator: str = "") -> str:
    parts = [str(value) for value in values]
    if len(separator) * len(parts) > MAX_VALUE:
        raise Refused("jinja-too-large", "the expression makes too large a text")
    return str(separator).join(parts)


_METHODS: Mapping[type, frozenset[str]] = {
    str: frozenset(
        {"lower", "upper", "strip", "lstrip", "rstrip", "startswith", "endswith", "split", "title", "isdigit"}
    ),
    dict: frozenset({"get", "items", "keys", "values"}),
    list: frozenset({"count", "index"}),
}
_KEPT_FILTERS = (
    "abs capitalize d default first float int last length list lower max min round sort string title trim unique upper"
)


class Facade:
    """An object of the template's context, whose attributes are only those that `lookup` answers."""

    place: Location = NOWHERE
    """Where the template stands that is being rendered."""

    def lookup(self, name: str) -> Any:
        """The value of that attribute; raises KeyError when there is none."""
        raise KeyError(name)


class _Environment(ImmutableSandboxedEnvironment, NativeEnvironment):
    intercepted_binops = frozenset(["*", "**", "%", "+"])

    def __init__(self) -> None:
        super().__init__(extensions=["jinja2.ext.do"])  # as dbt does
        self.globals.clear()
        kept = {name: _checked(self.filters[name]) for name in _KEPT_FILTERS.split()}
        self.filters.clear()
        self.filters.update(
            kept,
            replace=_replace,
            join=_join,
            tojson=_checked(_to_json),
            as_text=_Text,
            as_bool=_Bool,
            as_number=_Number,
            as_native=_Native,
        )

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Facade):
            try:
                return obj.lookup(attribute)
            except KeyError:
                return self.undefined(obj=obj, name=attribute)
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        if isinstance(obj, str) and attribute == "replace":
            return lambda old, new: _replace(obj, old, new)
        if isinstance(obj, str) and attribute == "join":
            return lambda values: _join(values, obj)
        for kind, names in _METHODS.items():
            if isinstance(obj, kind) and attribute in names:
                return getattr(obj, attribute)
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Facade):
            return self.getattr(obj, str(argument))
        try:
            return obj[argument]
        except (AttributeError, TypeError, LookupError):
            return self.undefined(obj=obj, name=argument)

    def call(self, context: Any, func: Any, /, *args: Any, **kwargs: Any) -> Any:
        # Whatever can be reached is safe to call: the context's functions and the methods that `getattr` hands out.
        if isinstance(func, jinja2.Undefined):
            raise Refused("jinja-unsupported", f'"{func._undefined_name}" is not a function that Seedbed knows here')
        return _bounded(func(*args, **kwargs))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        sizes = [len(part) for part in (left, right) if isinstance(part, str | list | tuple)]
        numbers = [part for part in (left, right) if isinstance(part, int)]
        if operator == "%" and isinstance(left, str):
            raise Refused("jinja-unsupported", "Seedbed does not evaluate % on texts", "join texts with ~")
        if operator == "*" and sizes and numbers and sizes[0] * abs(numbers[0]) > MAX_VALUE:
            raise Refused("jinja-too-large", "the expression makes too large a value")
        if operator in ("*", "**") and len(numbers) == 2:
            bits = left.bit_length() * (abs(right) if operator == "**" else 1) + right.bit_length()
            if bits > MAX_BITS:
                raise Refused("jinja-too-large", "the expression makes too large a number")
        return _bounded(super().call_binop(context, operator, left, right))


def _checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """The filter with its result bounded; keeps jinja's marks on filters that want the environment."""

    def bounded(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        return _bounded(list(result) if isinstance(result, Iterator) else result)

    bounded.__dict__.update(getattr(function, "__dict__", {}))
    return bounded


def _to_json(value: Any) -> str:
    return json.dumps(value, default=str)


_ENVIRONMENT = _Environment()


def looks_like_jinja(text: str) -> bool:
    """Whether dbt would find anything to render in the text."""
    return bool(_MARKS.search(text))


@dataclass(slots=True)
class Renderer:
    """Renders texts over one context and collects what could not be rendered.

    A value that cannot be rendered becomes None, which every reader takes as "not said".
    """

    context: Mapping[str, Any]
    diagnostics: list[Diagnostic] = field(default_factory=list)
    _told: set[tuple[str | None, str]] = field(default_factory=set)
    """Files and the names in them that are not known, each reported once."""

    def with_context(self, **more: Any) -> Renderer:
        """A renderer that knows more names and reports to the same list."""
        return Renderer({**self.context, **more}, self.diagnostics, self._told)

    def render(self, text: str, at: Location) -> Any:
        """The value that dbt would read at this place."""
        if not looks_like_jinja(text):
            return text
        for value in self.context.values():
            if isinstance(value, Facade):
                value.place = at
        before = len(self.diagnostics)
        try:
            return self._evaluate(text, at)
        except Refused as refused:
            if len(self.diagnostics) == before:  # else the unknown name that led here is told already
                self._report(refused.code, f"{_shown(text)}: {refused.message}", at, refused.hint, refused.severity)
        except jinja2.TemplateSyntaxError as error:
            self._report("jinja-syntax", f"{_shown(text)} is not valid Jinja: {error.message}", at)
        except Exception as error:  # an expression from outside may raise anything
            said = str(error).splitlines()[0] if str(error) else type(error).__name__
            if len(self.diagnostics) == before:
                self._report("jinja-failed", f"{_shown(text)} could not be evaluated: {said[:200]}", at)
        return None

    def render_argument(self, text: str, at: Location) -> Any:
        """Like `render`, for the argument of a data test, where a bare `ref('x')` is a call too."""
        return self.render(f"{{{{ {text} }}}}" if _CALL.match(text) and not looks_like_jinja(text) else text, at)

    def render_document(self, document: Document, skip: Callable[[Path], bool] = lambda path: False) -> Document:
        """The document with all its texts rendered, but those below a path (from here) that `skip` names."""
        return document.with_value(self._render_tree(document, (), skip, self.render))

    def render_arguments(self, document: Document) -> Document:
        """The arguments of a data test with all texts rendered."""
        return document.with_value(self._render_tree(document, (), lambda path: False, self.render_argument))

    def _render_tree(
        self, part: Document, path: Path, skip: Callable[[Path], bool], render: Callable[[str, Location], Any]
    ) -> Any:
        if path and skip(path):
            return part.value
        match part.value:
            case dict():
                return {key: self._render_tree(child, (*path, key), skip, render) for key, child in part.items()}
            case list():
                return [
                    self._render_tree(child, (*path, index), skip, render)
                    for index, child in enumerate(part.elements())
                ]
            case str() as text:
                return render(text, part.location())
        return part.value

    def _evaluate(self, text: str, at: Location) -> Any:
        plain = _REFERENCE.fullmatch(text)
        if plain and plain[1] in self.context:  # what most templates are: to compile one takes a millisecond
            return _native(self.context[plain[1]](*filter(None, plain.group(3, 5))))
        if len(text) > MAX_TEMPLATE:
            raise Refused("jinja-too-large", f"the template has {len(text):,} characters; at most {MAX_TEMPLATE:,}")
        tree = _ENVIRONMENT.parse(text)
        for node in tree.find_all(nodes.Node):
            if not isinstance(node, _EXPRESSIONS):
                spoken = type(node).__name__.lower()
                raise Refused("jinja-unsupported", f'Seedbed does not evaluate "{spoken}" in YAML, only expressions')
        unknown = sorted(meta.find_undeclared_variables(tree) - set(self.context))
        doubtful = bool(unknown) and not re.search(r"\bdefault\b|\bdefined\b|\|\s*d\b", text)
        if doubtful and (at.file, unknown[0]) not in self._told:
            self._told.add((at.file, unknown[0]))
            known = ", ".join(sorted(self.context))
            hint = closest(unknown[0], self.context) or f"known here are {known}"
            told = "is known to dbt only" if unknown[0] in _DBT_ONLY else "is not known here"
            self._report("jinja-undefined", f'{_shown(text)}: "{unknown[0]}" {told}', at, hint, Severity.WARNING)
        template = _ENVIRONMENT.from_string(tree)
        try:
            parts = list(template.root_render_func(template.new_context(dict(self.context))))
        except Exception:
            if doubtful:
                return None  # The unknown name that led here is told.
            raise
        if not parts:
            return ""
        if len(parts) > 1:
            return _bounded("".join(str(part) for part in parts))
        return None if isinstance(parts[0], jinja2.Undefined) else _native(parts[0])

    def _report(
        self, code: str, message: str, at: Location, hint: str | None = None, severity: Severity = Severity.ERROR
    ) -> None:
        self.diagnostics.append(Diagnostic(code, message, at, severity, hint))


def _native(value: Any) -> Any:
    if isinstance(value, _Text):
        return str(value)
    if isinstance(value, Facade):
        return str(value)
    if not isinstance(value, _Native):
        return list(value) if isinstance(value, tuple) else value
    try:
        result = ast.literal_eval(str(value))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        result = str(value)
    wanted = value.wanted
    if not isinstance(result, wanted) or (wanted == (int, float) and isinstance(result, bool)):
        spoken = "true or false" if wanted == (bool,) else "a number"
        raise Refused("jinja-failed", f"the value {str(value)!r} is not {spoken}", severity=Severity.ERROR)
    return result


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:77] + "..."


class _Var(Facade):
    """dbt's `var`: a function with the attribute `has_var`."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def __call__(self, name: str, *default: Any, **named: Any) -> Any:
        if name in self.values:
            return self.values[name]
        if default or "default" in named:  # None is a default too, unlike in env_var
            return default[0] if default else named["default"]
        raise Refused(
            "missing-var",
            f'the variable "{name}" is not defined and has no default',
            closest(name, self.values) or f"define it under vars: in dbt_project.yml, or pass --vars '{{{name}: ...}}'",
            Severity.ERROR,
        )

    def lookup(self, name: str) -> Any:
        if name != "has_var":
            raise KeyError(name)
        return lambda variable: variable in self.values


def _env_var(environment: Mapping[str, str], secrets: bool) -> Callable[..., str]:
    def env_var(name: str, default: Any = None) -> str:
        if not secrets and _SECRET.search(name):
            # What is read here may end in a prompt or a committed file, so a pull request could fetch a secret.
            raise Refused(
                "secret-env-var",
                f"the environment variable {name} looks like a secret, which Seedbed reads nowhere but in profiles",
                "use another name for a value that is no secret",
            )
        if name in environment:
            return environment[name]
        if default is not None:
            return str(default)
        raise Refused(
            "missing-env-var",
            f"the environment variable {name} is not set and has no default",
            f"set {name}, or write env_var('{name}', 'a default')",
            Severity.ERROR,
        )

    return env_var


def yaml_functions(
    variables: Mapping[str, Any], environment: Mapping[str, str], *, secrets: bool = False
) -> dict[str, Any]:
    """The names that dbt offers to every YAML file, apart from `target` and `project_name`.

    Args:
        variables: what `var` reads.
        environment: what `env_var` reads.
        secrets: let `env_var` read what looks like a secret; only for what goes into a connection and nowhere else.
    """
    return {
        "var": _Var(variables),
        "env_var": _env_var(environment, secrets),
        "return": lambda value: value,
        "tojson": _to_json,
        "fromjson": _from_json,
        "fromyaml": _from_yaml,
    }


def _from_json(text: str, default: Any = None) -> Any:
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return default


def _from_yaml(text: str, default: Any = None) -> Any:
    try:
        return read_yaml(str(text), "").value
    except ProjectError:
        return default


@dataclass(frozen=True, slots=True)
class Reference:
    """What `ref()` and `source()` return: the name of a table, not yet looked up."""

    name: str
    source: str | None = None

    def __str__(self) -> str:
        return f"source('{self.source}', '{self.name}')" if self.source else f"ref('{self.name}')"


class _Types(Facade):
    """The macros of dbt and its packages that name a type of the target: `dbt.type_timestamp()` is a timestamp."""

    def lookup(self, name: str) -> Any:
        kind = name.removeprefix("type_")
        if kind == name:
            raise KeyError(name)
        return lambda: kind


def reference_functions() -> dict[str, Any]:
    """`ref`, `source` and the macros that name types, for the arguments of data tests and constraints."""

    def ref(*names: str, **version: Any) -> Reference:
        if not names:
            _wrong_reference("ref")
        return Reference(str(names[-1]))

    def source(*names: str) -> Reference:
        if len(names) != 2:
            _wrong_reference("source")
        return Reference(str(names[1]), str(names[0]))

    types = _Types()
    return {"ref": ref, "source": source, "dbt": types, "dbt_utils": types, "dbt_expectations": types}


def _wrong_reference(function: str) -> NoReturn:
    wanted = "ref('table')" if function == "ref" else "source('source', 'table')"
    raise Refused("jinja-failed", f"write {wanted}", severity=Severity.ERROR)
