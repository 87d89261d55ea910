"""The profile's target: what `target.name` and its like mean in YAML, found where dbt finds it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from seedbed.documents import Document
from seedbed.errors import Diagnostic, Location, Severity, closest
from seedbed.parsers.files import Files
from seedbed.parsers.jinja import Facade, Renderer, yaml_functions

# A target's other keys are credentials or connection details: they are rendered for a connection only.
_SHOWN = frozenset(
    {"type", "schema", "database", "dbname", "project", "dataset", "catalog", "path", "warehouse", "role"}
)


class Target(Facade):
    """dbt's `target`: attributes are rendered when they are asked for, so that an unused variable may be unset."""

    def __init__(
        self,
        profile_name: str,
        name: str,
        output: Document | None,
        renderer: Renderer,
        connecting: Renderer | None = None,
    ) -> None:
        self.profile_name, self.name, self._output, self._renderer = profile_name, name, output, renderer
        self._connecting = connecting or renderer
        self._noted = False

    def __str__(self) -> str:
        return self.name

    @property
    def known(self) -> bool:
        """Whether the profile was found."""
        return self._output is not None

    def get(self, key: str) -> str | None:
        """A setting of the target as text, or None when the profile does not say."""
        if self._output is None or key not in self._output.value:
            return None
        part = self._output.at(key)
        value = self._renderer.render(part.value, part.location()) if isinstance(part.value, str) else part.value
        return None if value is None else str(value)

    def settings(self) -> dict[str, Any]:
        """All that the target says, credentials too: for a connection to it, and for nothing else."""
        return {} if self._output is None else dict(self._connecting.render_document(self._output).value)

    def lookup(self, name: str) -> Any:
        if not self.known:
            self._note()
        if name in ("name", "target_name"):
            return self.name
        if name == "profile_name":
            return self.profile_name
        if name == "get":
            return lambda key, default=None: self.get(key) if key in _SHOWN else default
        if name == "threads":
            text = self.get(name) or "1"
            return int(text) if text.isdigit() else 1
        if name == "database":
            return self.database or "dev"
        if name == "schema":
            return self.schema or "main"
        if name == "type":
            return self.get("type") or "duckdb"
        if name in _SHOWN:
            return self.get(name) or ""
        raise KeyError(name)

    @property
    def schema(self) -> str | None:
        """The schema that dbt builds into, or None when the profile does not say."""
        return self.get("schema") or self.get("dataset") or ("main" if self.get("type") == "duckdb" else None)

    @property
    def database(self) -> str | None:
        """The database that dbt builds into, or None when the profile does not say."""
        named = self.get("database") or self.get("dbname") or self.get("project") or self.get("catalog")
        if named or self.get("type") != "duckdb":
            return named
        path = self.get("path") or ":memory:"
        return "memory" if path == ":memory:" else None if ":" in path else PurePath(path).name.partition(".")[0]

    def _note(self) -> None:
        if not self._noted:
            self._noted = True
            self._renderer.diagnostics.append(
                Diagnostic(
                    "no-profile",
                    f'the profile "{self.profile_name}" was not found, so target.name is taken as "{self.name}", '
                    'target.type as "duckdb" and target.schema as "main"',
                    self.place,
                    Severity.NOTE,
                    hint="pass --profiles-dir, or set DBT_PROFILES_DIR",
                )
            )


def read_target(
    profile_name: str,
    target_name: str | None,
    folders: list[Path],
    variables: Mapping[str, Any],
    environment: Mapping[str, str],
    diagnostics: list[Diagnostic],
) -> Target:
    """The target of the first `profiles.yml` found in the folders; a missing profile is no error here.

    Args:
        profile_name: the project's profile.
        target_name: the target asked for, or None for the profile's own choice.
        folders: where to look, in order.
        variables: the `--vars` of the command line: dbt's only variables in a profile.
        environment: the variables that `env_var` reads.
        diagnostics: where problems go.
    """
    renderer = Renderer(yaml_functions(variables, environment), diagnostics)
    wanted = target_name or environment.get("DBT_TARGET")
    for folder in folders:
        if not (folder / "profiles.yml").is_file():
            continue
        document = Files(folder, diagnostics).read_document("profiles.yml")
        profile = document.at(profile_name) if document else None
        if document is None or profile is None or not isinstance(profile.value, dict):
            break
        chosen = wanted or _render(renderer, profile.at("target")) or "default"
        outputs = profile.at("outputs")
        output = outputs.at(chosen)
        if isinstance(output.value, dict):
            connecting = Renderer(yaml_functions(variables, environment, secrets=True), diagnostics)
            return Target(profile_name, chosen, output, renderer, connecting)
        known = [name for name, _ in outputs.items()]
        diagnostics.append(
            Diagnostic(
                "unknown-target",
                f'the profile "{profile_name}" has no target "{chosen}"; it has {", ".join(known) or "none"}',
                Location(str(folder / "profiles.yml"), outputs.location().line),
                Severity.ERROR if wanted else Severity.WARNING,
                closest(chosen, known),
            )
        )
        break
    return Target(profile_name, wanted or "dev", None, renderer)


def _render(renderer: Renderer, part: Document) -> str | None:
    value = renderer.render(part.value, part.location()) if isinstance(part.value, str) else part.value
    return None if value is None else str(value)
