"""Reads `dbt_project.yml` and what stands around it: variables, paths, configurations, the files Seedbed wrote."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from seedbed.documents import Document
from seedbed.errors import Diagnostic, Location, ProjectError, Severity, closest, has_errors
from seedbed.parsers.files import Files
from seedbed.parsers.jinja import Renderer, looks_like_jinja, yaml_functions
from seedbed.parsers.profiles import Target, read_target
from seedbed.schema import Project

MARKER_FILE = ".seedbed.manifest"
"""Below the first seed path: the files that Seedbed wrote, `{"files": {"orders.csv": {"digest": ...}}}`."""

_PATH_KEYS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "model-paths": ("source-paths", ("models",)),
    "seed-paths": ("data-paths", ("seeds",)),
    "snapshot-paths": ("snapshot-paths", ("snapshots",)),
    "analysis-paths": ("analysis-paths", ("analyses",)),
    "test-paths": ("test-paths", ("tests",)),
    "macro-paths": ("macro-paths", ("macros",)),
    "docs-paths": ("docs-paths", ()),
}


def words(text: str) -> frozenset[str]:
    """A set of words, written as one text."""
    return frozenset(text.split())


_KNOWN_KEYS = words(
    "name version config-version require-dbt-version profile asset-paths function-paths target-path "
    "clean-targets log-path packages-install-path modules-path quoting on-run-start on-run-end dispatch vars "
    "query-comment restrict-access dbt-cloud flags packages anchors models seeds sources snapshots tests data_tests "
    "unit_tests exposures metrics semantic-models saved-queries functions"
).union(_PATH_KEYS, (legacy for legacy, _ in _PATH_KEYS.values()))
_NOT_RENDERED = frozenset({"vars", "on-run-start", "on-run-end", "query-comment"})
_HOOKS = frozenset({"pre-hook", "post-hook", "pre_hook", "post_hook"})


@dataclass(slots=True)
class Config:
    """A resource's configuration: every entry that applies to it, outermost first, each with its place.

    dbt's rules: `tags` add up, `meta` is merged one level deep, anything else is replaced by the inner entry.
    """

    entries: list[tuple[str, Document]] = field(default_factory=list)

    def add(self, key: str, entry: Document) -> None:
        """Adds an entry that wins over those before it."""
        self.entries.append((key, entry))

    def get(self, key: str) -> Document | None:
        """The innermost entry of that key, or None; a value that could not be rendered counts as absent."""
        return next((entry for name, entry in reversed(self.entries) if name == key and entry.value is not None), None)

    def text(self, key: str) -> str | None:
        """The innermost entry as text."""
        entry = self.get(key)
        return None if entry is None else str(entry.value)

    @property
    def enabled(self) -> bool:
        """Whether the resource is switched on; `enabled: "false"` counts as off."""
        entry = self.get("enabled")
        return entry is None or str(entry.value).lower() not in ("false", "0", "no")

    @property
    def tags(self) -> tuple[str, ...]:
        """All tags, each once."""
        return tuple(
            dict.fromkeys(str(tag) for key, entry in self.entries if key == "tags" for tag in as_list(entry.value))
        )

    def meta(self, key: str) -> Document | None:
        """The innermost entry of that key under `meta`."""
        return next(
            (
                entry.at(key)
                for name, entry in reversed(self.entries)
                if name == "meta" and isinstance(entry.value, dict) and entry.value.get(key) is not None
            ),
            None,
        )


@dataclass(slots=True)
class DbtProject:
    """A dbt project as far as its YAML says; paths are relative to the root, with forward slashes."""

    root: Path
    name: str
    document: Document
    """`dbt_project.yml`, rendered."""
    paths: Mapping[str, tuple[str, ...]]
    """By key, such as `seed-paths`; defaults filled in."""
    files: Files
    target: Target
    renderer: Renderer
    """Renders property files: knows `var`, `env_var`, `target` and `project_name`."""
    written: frozenset[str] = frozenset()
    """The files below the first seed path that Seedbed wrote itself."""
    diagnostics: list[Diagnostic] = field(default_factory=list)

    @property
    def resource_folders(self) -> tuple[str, ...]:
        """Where dbt looks for property files."""
        found = (folder for key, folders in self.paths.items() if key != "docs-paths" for folder in folders)
        return tuple(dict.fromkeys(found))

    @property
    def skipped_folders(self) -> tuple[str, ...]:
        """What dbt installs and builds; nothing is read there."""
        installed = self.document.value.get("packages-install-path") or self.document.value.get("modules-path")
        target, logs = self.document.value.get("target-path"), self.document.value.get("log-path")
        chosen = [str(installed or "dbt_packages"), str(target or "target"), str(logs or "logs")]
        return (*chosen, "dbt_packages", "dbt_modules", "target", "logs")

    def wrote(self, file: str) -> bool:
        """Whether Seedbed wrote that file, as the run manifest beside it says."""
        path = PurePosixPath(file)
        return file in self.written or path.name in _read_manifest(self.files, path.parent.as_posix())

    def configured(self, resource: str, fqn: tuple[str, ...]) -> Config:
        """The configuration that `dbt_project.yml` gives a resource.

        Args:
            resource: the top-level key, such as `seeds`.
            fqn: folders below the resource path, then the resource's name.
        """
        config = Config()
        level = self.document.at(resource)
        for step in ("", self.name, *fqn):
            level = level.at(step) if step else level
            if not isinstance(level.value, dict):
                break
            for key, entry in level.items():
                if key.startswith("+") or not isinstance(entry.value, dict):
                    config.add(key.removeprefix("+").strip(), entry)
        return config

    def as_schema_project(self) -> Project:
        """What the rest of Seedbed needs to know of the project."""
        return Project(
            root=self.root,
            name=self.name,
            seed_paths=tuple(self.root / folder for folder in self.paths["seed-paths"]),
            test_paths=tuple(self.root / folder for folder in self.paths["test-paths"]),
            adapter=self.target.get("type"),
            target_schema=self.target.schema if self.target.known else None,
            custom_schema_names=self._defines_macro("generate_schema_name"),
            has_dbt_package=self._has_dbt_package(),
        )

    def _defines_macro(self, name: str) -> bool:
        pattern = re.compile(rf"\{{%-?\s*macro\s+(?:\w+__)?{name}\s*\(")
        return any(
            pattern.search(self.files.read(file) or "")
            for folder in self.paths["macro-paths"]
            for file in self.files.find(folder, (".sql",))
        )

    def _has_dbt_package(self) -> bool:
        if self.name == "seedbed" or any(
            (self.root / folder / "seedbed").is_dir() for folder in self.skipped_folders[:1]
        ):
            return True
        for file in ("packages.yml", "dependencies.yml"):
            if not (self.root / file).is_file():
                continue
            document = self.files.read_document(file)
            for entry in document.at("packages").elements() if document else ():
                named = (entry.at(key).value for key in ("package", "git", "local", "tarball", "subdirectory"))
                if any(re.search(r"(?:^|[/\\_-])seedbed(?:\.git)?/?$", str(text)) for text in named):
                    return True
        return False


def as_list(value: Any) -> list[Any]:
    """A value that dbt lets people write with or without the list around it."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def read_project(
    project_dir: Path,
    *,
    profile: str | None = None,
    target: str | None = None,
    profiles_dir: Path | None = None,
    variables: Mapping[str, Any] | None = None,
) -> DbtProject:
    """Reads `dbt_project.yml` and finds the profile; problems are in the result's `diagnostics`.

    Raises:
        ProjectError: there is no `dbt_project.yml`, or it is no mapping with a name.
    """
    root = project_dir.resolve()
    diagnostics: list[Diagnostic] = []
    if not (root / "dbt_project.yml").is_file():
        raise ProjectError(diagnostics=[_no_project(root, project_dir)])
    files = Files(root, diagnostics)
    files.read_ignore_file()
    document = files.read_document("dbt_project.yml")
    if document is None:
        raise ProjectError(diagnostics=diagnostics)
    if not isinstance(document.value, dict):
        diagnostics.append(
            Diagnostic("not-a-mapping", "dbt_project.yml must hold keys and values, such as name:", document.location())
        )
        raise ProjectError(diagnostics=diagnostics)
    _report_unknown_keys(document, diagnostics)
    command_line = dict(variables or {})
    environment = _read_environment(files)
    folders = _profile_folders(root, profiles_dir, environment)
    profile_name = profile or document.value.get("profile")
    if isinstance(profile_name, str) and looks_like_jinja(profile_name):
        profile_name = Renderer(yaml_functions(command_line, environment), diagnostics).render(
            profile_name, document.location("profile")
        )
    chosen = read_target(str(profile_name or "default"), target, folders, command_line, environment, diagnostics)
    # dbt renders its project file with the command line's variables alone: the file's own are not known yet.
    renderer = Renderer({**yaml_functions(command_line, environment), "target": chosen}, diagnostics)
    rendered = renderer.render_document(document, _is_late)
    name = rendered.value.get("name")
    if not isinstance(name, str) or not name:
        diagnostics.append(
            Diagnostic(
                "no-project-name",
                "dbt_project.yml has no name:",
                document.location("name"),
                hint="add name: my_project",
            )
        )
        raise ProjectError(diagnostics=diagnostics)
    in_yaml = {**_read_variables(rendered, name, files), **command_line}
    context = {**yaml_functions(in_yaml, environment), "target": chosen, "project_name": name}
    paths = _read_paths(rendered, root, diagnostics)
    return DbtProject(
        root=root,
        name=name,
        document=rendered,
        paths=paths,
        files=files,
        target=chosen,
        renderer=Renderer(context, diagnostics),
        written=_read_marker(files, paths["seed-paths"]),
        diagnostics=diagnostics,
    )


def read_target_settings(
    project_dir: Path,
    *,
    profile: str | None = None,
    target: str | None = None,
    profiles_dir: Path | None = None,
    variables: Mapping[str, Any] | None = None,
) -> Mapping[str, Any]:
    """What `profiles.yml` says of the target, rendered, credentials too: for a connection to it.

    Raises:
        ProjectError: the profile or the target is not there, or a part of it cannot be rendered.
    """
    project = read_project(project_dir, profile=profile, target=target, profiles_dir=profiles_dir, variables=variables)
    found = project.diagnostics
    if not project.target.known:
        message = f'the profile "{project.target.profile_name}" was not found, or has no such target'
        hint = "pass --profiles-dir or --target, or set DBT_PROFILES_DIR"
        raise ProjectError("The target is not known.", [*found, Diagnostic("no-profile", message, hint=hint)])
    before = len(found)
    settings = project.target.settings()
    if has_errors(found[before:]):
        raise ProjectError("The target's settings cannot be read.", found[before:])
    return settings


def _is_late(path: tuple[str | int, ...]) -> bool:
    """What dbt renders only when it runs: hooks, under any spelling, and whatever stands below such a key."""
    return path[0] in _NOT_RENDERED or str(path[-1]).removeprefix("+") in _HOOKS


def _no_project(root: Path, asked: Path) -> Diagnostic:
    if not root.is_dir():
        return Diagnostic("no-project", f"there is no folder {asked}", hint="name the dbt project with --project-dir")
    nearest = next((folder for folder in root.parents if (folder / "dbt_project.yml").is_file()), None)
    below = sorted(root.glob("*/dbt_project.yml"))
    found = nearest or (below[0].parent if below else None)
    hint = f"pass --project-dir {found}" if found else "run in a dbt project, or name it with --project-dir"
    return Diagnostic("no-project", f"there is no dbt_project.yml in {root}", hint=hint)


def _report_unknown_keys(document: Document, diagnostics: list[Diagnostic]) -> None:
    for key in document.value:
        if key not in _KNOWN_KEYS:
            diagnostics.append(
                Diagnostic(
                    "unknown-key",
                    f'dbt_project.yml has no key "{key}"; nothing is read from it',
                    document.location(key),
                    Severity.WARNING,
                    closest(key, _KNOWN_KEYS),
                )
            )


def _read_paths(document: Document, root: Path, diagnostics: list[Diagnostic]) -> dict[str, tuple[str, ...]]:
    paths: dict[str, tuple[str, ...]] = {}
    for key, (legacy, default) in _PATH_KEYS.items():
        written = key if key in document.value else legacy
        entry = document.at(written)
        chosen = []
        for folder in as_list(entry.value if entry.value is not None else list(default)):
            name = PurePosixPath(str(folder).replace("\\", "/"))
            if name.is_absolute() or ".." in name.parts or "\0" in str(folder):
                diagnostics.append(
                    Diagnostic(
                        "path-outside-project",
                        f'{written} names "{folder}", which leaves the project; nothing is read there',
                        document.location(written),
                        Severity.WARNING,
                        "name a folder below dbt_project.yml",
                    )
                )
            else:
                chosen.append(name.as_posix())
        paths[key] = tuple(chosen)
    return paths


def _read_variables(document: Document, name: str, files: Files) -> dict[str, Any]:
    """Variables of `dbt_project.yml` or `vars.yml`; those under the project's own name win."""
    declared = document.at("vars")
    if (files.root / "vars.yml").is_file():
        other = files.read_document("vars.yml")
        listed = other.at("vars") if other is not None else None
        if other is not None and listed is not None:
            for key in other.value if isinstance(other.value, dict) else ():
                if key != "vars":
                    files.diagnostics.append(
                        Diagnostic(
                            "unknown-key",
                            f'vars.yml has no key "{key}"',
                            other.location(key),
                            Severity.WARNING,
                            "put all variables under vars:",
                        )
                    )
            if declared.value and listed.value:
                files.diagnostics.append(
                    Diagnostic(
                        "vars-twice",
                        f"variables stand both here and in {declared.location().short}; dbt takes one place only",
                        listed.location(),
                        hint="move them all to vars.yml",
                    )
                )
            declared = listed if listed.value else declared
    if not isinstance(declared.value, dict):
        return {}
    own = declared.value.get(name)
    return {**declared.value, **(own if isinstance(own, dict) else {})}


def _profile_folders(root: Path, profiles_dir: Path | None, environment: Mapping[str, str]) -> list[Path]:
    if profiles_dir is not None:
        return [profiles_dir.resolve()]
    if environment.get("DBT_PROFILES_DIR"):
        return [Path(environment["DBT_PROFILES_DIR"]).expanduser().resolve()]
    return [root, Path.home() / ".dbt"]


_ASSIGNMENT = re.compile(r"""^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^#\n]*?))\s*(?:#.*)?$""")


def _read_environment(files: Files) -> dict[str, str]:
    """The process's variables, and below them those of `.env` in the project, as dbt 1.12 reads it."""
    found: dict[str, str] = {}
    if (files.root / ".env").is_file():
        for line in (files.read(".env") or "").splitlines():
            match = _ASSIGNMENT.match(line)
            if match:
                found[match[1]] = next((text for text in match.groups()[1:] if text is not None), "")
    return {**found, **os.environ}


def _read_marker(files: Files, seed_paths: tuple[str, ...]) -> frozenset[str]:
    """The seeds that Seedbed wrote, relative to the project's root."""
    return frozenset(f"{folder}/{name}" for folder in seed_paths[:1] for name in _read_manifest(files, folder))


def _read_manifest(files: Files, folder: str) -> frozenset[str]:
    """The names of the files in a folder that Seedbed wrote."""
    marker = f"{folder}/{MARKER_FILE}"
    if not (files.root / marker).is_file():
        return frozenset()
    try:
        return frozenset(json.loads(files.read(marker) or "")["files"])
    except (ValueError, KeyError, TypeError, RecursionError):
        unreadable = Diagnostic(
            "marker-unreadable",
            "this file should list what Seedbed wrote, but it cannot be read; every file beside it counts as "
            "hand-written",
            Location(marker),
            hint="restore it from version control, or delete it with the files that Seedbed wrote",
        )
        if unreadable not in files.diagnostics:
            files.diagnostics.append(unreadable)
        return frozenset()


def fqn_folders(file: str, folders: tuple[str, ...]) -> tuple[str, ...]:
    """The folders between a resource path and a file below it: the part of a dbt name that comes from the path."""
    path = PurePosixPath(file)
    for folder in folders:
        if path.is_relative_to(folder):
            return path.relative_to(folder).parts[:-1]
    return ()


def walk_files(project: DbtProject, key: str, suffixes: tuple[str, ...]) -> Iterator[str]:
    """The files with such endings below the paths of that key, for example `seed-paths`."""
    for folder in project.paths[key]:
        yield from project.files.find(folder, suffixes)
