"""Finding and reading the files of a project: the folders that dbt skips, `.dbtignore`, encodings, sizes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from seedbed.documents import Document
from seedbed.errors import Diagnostic, Location, ProjectError, Severity
from seedbed.yaml_text import read_yaml

MAX_FILE_BYTES = 20_000_000

_SKIPPED_FOLDERS = frozenset({"node_modules", "venv", "env", "__pycache__", "site-packages"})


@dataclass(slots=True)
class Files:
    """The files below a project's root, each named by its path relative to it, with forward slashes."""

    root: Path
    diagnostics: list[Diagnostic] = field(default_factory=list)
    ignored: re.Pattern[str] | None = None
    _texts: dict[str, str | None] = field(default_factory=dict)

    def read_ignore_file(self) -> None:
        """Reads `.dbtignore`, if there is one; what it names is not found from then on."""
        if (self.root / ".dbtignore").is_file():
            self.ignored = compile_ignore_patterns((self.read(".dbtignore") or "").splitlines())

    def name(self, path: Path) -> str:
        """The name by which messages call a file."""
        try:
            return path.relative_to(self.root).as_posix()
        except ValueError:
            return str(path)

    def find(self, folder: str, suffixes: Iterable[str]) -> Iterator[str]:
        """Files below a folder whose names end so (in any case), as dbt finds them: without following links."""
        endings = tuple(suffixes)
        for current, folders, files in os.walk(self.root / folder):
            folders.sort()
            for file in sorted(files):
                name = self.name(Path(current, file))
                if file.lower().endswith(endings) and not self._is_ignored(name):
                    yield name

    def find_everywhere(self, suffixes: Iterable[str], skipped: Iterable[str]) -> Iterator[str]:
        """Files anywhere in the project, outside hidden, installed and `skipped` folders and other dbt projects."""
        endings, left_out = tuple(suffixes), {PurePosixPath(folder).as_posix() for folder in skipped}
        for current, folders, files in os.walk(self.root):
            folders[:] = sorted(
                folder
                for folder in folders
                if not folder.startswith(".")
                and folder not in _SKIPPED_FOLDERS
                and self.name(Path(current, folder)) not in left_out
                and not Path(current, folder, "pyvenv.cfg").exists()
                and not Path(current, folder, "dbt_project.yml").exists()
            )
            for file in sorted(files):
                name = self.name(Path(current, file))
                if file.lower().endswith(endings) and not file.startswith(".") and not self._is_ignored(name):
                    yield name

    def read(self, name: str) -> str | None:
        """The text of a file with plain line ends, or None with a diagnostic; each file is read once."""
        if name not in self._texts:
            self._texts[name] = self._read(name)
        return self._texts[name]

    def read_document(self, name: str) -> Document | None:
        """A YAML file as a document, or None with its diagnostics."""
        text = self.read(name)
        if text is None:
            return None
        try:
            return read_yaml(text, name)
        except ProjectError as error:
            self.diagnostics.extend(error.diagnostics)
            return None

    def _is_ignored(self, name: str) -> bool:
        return self.ignored is not None and self.ignored.match(name) is not None

    def _read(self, name: str) -> str | None:
        path = self.root / name
        try:
            if not path.is_file():
                # A pipe or a device would block or never end; a broken link has nothing to read.
                self._unreadable(name, "this is not a regular file")
                return None
            if path.stat().st_size > MAX_FILE_BYTES:
                self._unreadable(
                    name, f"the file has {path.stat().st_size:,} bytes; at most {MAX_FILE_BYTES:,} are read"
                )
                return None
            content = path.read_bytes()
        except OSError as error:
            self._unreadable(name, f"the file could not be read: {error.strerror or error}")
            return None
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            self._unreadable(name, "the file is encoded as UTF-16; dbt reads UTF-8 only", "save it as UTF-8")
            return None
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            self.diagnostics.append(
                Diagnostic(
                    "not-utf8",
                    f"byte 0x{content[error.start]:02x} is not valid UTF-8, which is what dbt reads; "
                    "the file is read as Latin-1",
                    Location(name, line),
                    Severity.WARNING,
                    "save the file as UTF-8",
                )
            )
            text = content.decode("latin-1")
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def _unreadable(self, name: str, message: str, hint: str | None = None) -> None:
        self.diagnostics.append(Diagnostic("file-unreadable", message, Location(name), hint=hint))


def compile_ignore_patterns(lines: Iterable[str]) -> re.Pattern[str] | None:
    """One expression for the patterns of a `.dbtignore`, which are those of `.gitignore`; later lines win."""
    expression = ""
    for line in lines:
        pattern = line.rstrip()
        if not pattern or pattern.startswith("#"):
            continue
        if pattern.startswith("!"):
            expression = f"(?!{_translate(pattern[1:])})(?:{expression})" if expression else ""
        else:
            expression = f"(?:{expression})|{_translate(pattern)}" if expression else _translate(pattern)
    return re.compile(expression, re.DOTALL) if expression else None


_GLOB = re.compile(r"\*\*/|/\*\*|\*|\?|\[[^\]]+\]|\\.|.", re.DOTALL)
_GLOB_PARTS: Mapping[str, str] = {"**/": "(?:.*/)?", "/**": "/.*", "*": "[^/]*", "?": "[^/]"}


def _translate(pattern: str) -> str:
    only_folders = pattern.endswith("/")
    body = pattern.strip("/")
    anchored = "/" in pattern.rstrip("/")

    def part(token: str) -> str:
        if token in _GLOB_PARTS:
            return _GLOB_PARTS[token]
        if len(token) > 1:
            return re.escape(token[1:]) if token[0] == "\\" else "[" + re.sub(r"^!", "^", token[1:-1]) + "]"
        return re.escape(token)

    regex = "".join(part(token) for token in _GLOB.findall(body))
    try:
        re.compile(regex)
    except re.error:
        regex = re.escape(body)
    return f"{'' if anchored else '(?:.*/)?'}{regex}{'/.*' if only_folders else '(?:/.*)?'}$"


_DOCS = re.compile(r"\{%-?\s*docs\s+([A-Za-z_]\w*)\s*-?%\}(.*?)\{%-?\s*enddocs\s*-?%\}", re.DOTALL)


def read_doc_blocks(files: Files, folders: Iterable[str]) -> dict[str, str]:
    """The `{% docs %}` blocks of the Markdown files below the folders: name to text."""
    blocks: dict[str, str] = {}
    for folder in folders:
        for name in files.find(folder, (".md",)):
            for match in _DOCS.finditer(files.read(name) or ""):
                blocks.setdefault(match[1], match[2].strip())
    return blocks
