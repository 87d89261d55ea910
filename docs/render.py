"""Rewrites the generated pages of docs/: `python docs/render.py`, or `--check` to only compare."""

import ast
import inspect
import sys
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from typing import Literal, get_args, get_origin

import click
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from seedbed.cli import main
from seedbed.plan.kinds import KINDS, Drawn, Generator
from seedbed.plan.rules import RULES

DOCS = Path(__file__).parent
BEGIN, END = "<!-- generated -->\n", "<!-- end of generated -->\n"


def render_cli() -> str:
    """Every command with its `--help`."""
    parts = [_help(main, "seedbed")]
    parts += [_help(command.load(), f"seedbed {name}") for name, command in sorted(main.commands.items())]
    return "\n".join(parts)


def _help(command: click.Command, name: str) -> str:
    settings = {"terminal_width": 100, "max_content_width": 100, "help_option_names": ["-h", "--help"]}
    context = click.Context(command, info_name=name, **settings)
    text = command.get_help(context)
    return f"## {name}\n\n```text\n{text}\n```\n"


def render_generators() -> str:
    """Every kind of generator: what it makes, and its arguments."""
    return "\n".join(_kind(cls) for cls in KINDS.values())


def _kind(cls: type[Generator]) -> str:
    shown = (*cls.positional, *Drawn.model_fields)
    own = [*cls.positional, *(name for name in cls.model_fields if name not in shown)]
    arguments = ", ".join(name if name in cls.positional else f"{name}=" for name in own)
    doc = " ".join((cls.__doc__ or "").split())
    lines = [f"### {cls.kind}", "", f"`{cls.kind}({arguments})`", "", doc, ""]
    described, told_of = [], _told_of_fields(cls)
    for name in own:
        field = cls.model_fields[name]
        default = "" if field.default is PydanticUndefined or field.default is None else f" (default {field.default!r})"
        values = ", ".join(f"`{value}`" for value in get_args(field.annotation))
        choice = f"one of {values}" if get_origin(field.annotation) is Literal else ""
        told = told_of[name]
        if told or choice:
            described.append(f"- `{name}`: {' '.join(filter(None, (told, choice)))}{default}")
    return "\n".join([*lines, *described, *([""] if described else [])])


def _told_of_fields(cls: type[BaseModel]) -> dict[str, str]:
    """What the source says below each field of a class; pydantic would read it at every start."""
    told = {}
    for part in reversed(cls.__mro__):
        if issubclass(part, BaseModel) and part is not BaseModel:
            (definition,) = ast.parse(dedent(inspect.getsource(part))).body
            for line, below in pairwise([*definition.body, ast.Pass()]):
                if isinstance(line, ast.AnnAssign):
                    docstring = below.value.value if isinstance(below, ast.Expr) else ""
                    told[line.target.id] = " ".join(docstring.split())
    return told


def render_rules() -> str:
    """Every kind of rule: what it says, and its arguments."""
    lines = ["| kind | says |", "|---|---|"]
    for cls in RULES.values():
        doc = " ".join((cls.__doc__ or "").split()).replace("|", "\\|")
        named = [name for name in cls.model_fields if name not in cls.positional]
        arguments = ", ".join([*cls.positional, *(f"{name}=" for name in named)])
        told_of = _told_of_fields(cls)
        told = [doc, *(f"`{name}`: {told_of[name]}" for name in cls.model_fields if told_of[name])]
        lines.append(f"| `{cls.kind}({arguments})` | {' '.join(told)} |")
    return "\n".join(lines) + "\n"


def pages() -> dict[Path, str]:
    """The generated part of each page."""
    generated = {"cli.md": render_cli(), "plan.md": render_generators(), "rules.md": render_rules()}
    return {DOCS / name: text for name, text in generated.items()}


def rewritten(page: Path, generated: str) -> str:
    """The page with its generated part replaced."""
    text = page.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{generated}\n{END}{tail}"


def run(check: bool) -> int:
    stale = []
    for page, generated in pages().items():
        new = rewritten(page, generated)
        if new != page.read_text(encoding="utf-8"):
            stale.append(page.name)
            if not check:
                page.write_text(new, encoding="utf-8")
    if stale:
        print(("not up to date: " if check else "rewrote ") + ", ".join(stale))
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(run("--check" in sys.argv[1:]))
