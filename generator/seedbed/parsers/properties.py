"""Property files: what the YAML beside models, seeds and sources says of their tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from seedbed.documents import Document, Path
from seedbed.errors import Diagnostic, Location, Severity, closest
from seedbed.parsers.data_tests import read_tests
from seedbed.parsers.drafts import ColumnDraft, KeyDraft, TableDraft, set_data_type
from seedbed.parsers.jinja import Facade, Reference, Refused, Renderer, looks_like_jinja, reference_functions
from seedbed.parsers.project import Config, DbtProject, as_list, fqn_folders, words
from seedbed.parsers.rules import read_sentence
from seedbed.schema import Fact, Resource, Sentence, SourceTable, parse_data_type

_TABLE_SECTIONS = ("models", "seeds", "snapshots", "sources")
_OTHER_SECTIONS = words(
    "analyses exposures functions groups macros metrics saved_queries semantic_models tests data_tests unit_tests "
    "selectors"
)
_SECTIONS = _OTHER_SECTIONS.union(_TABLE_SECTIONS, ("version", "anchors"))

_SHARED = "name description docs config tests data_tests columns meta tags"
_ENTRY_KEYS: Mapping[str, frozenset[str]] = {
    "models": words(
        f"{_SHARED} constraints access group latest_version deprecation_date versions time_spine quote_columns "
        "primary_entity derived_semantics semantic_model agg_time_dimension metrics"
    ),
    "seeds": words(f"{_SHARED} access group quote_columns"),
    "snapshots": words(f"{_SHARED} access group relation quote_columns"),
    "sources": words(
        "name description database schema loader quoting loaded_at_field loaded_at_query freshness meta tags overrides "
        "config tables tests data_tests"
    ),
    "tables": words(f"{_SHARED} identifier external loader quoting loaded_at_field loaded_at_query freshness"),
    "versions": words(
        "v defined_in description access config constraints docs data_tests tests columns deprecation_date"
    ),
}
_COLUMN_KEYS = words(
    "name description data_type quote constraints tests data_tests meta tags config docs granularity policy_tags "
    "dimension entity"
)
_CONSTRAINT_KEYS = words("type name columns expression to to_columns warn_unenforced warn_unsupported")
_READ_CONFIG = ("enabled", "meta", "tags", "schema", "alias", "database", "column_types", "delimiter")
_LATE = words("tests data_tests description loaded_at_query pre_hook post_hook pre-hook post-hook")


@dataclass(slots=True)
class PropertyReader:
    """Reads property files into drafts of tables, one file after the other."""

    project: DbtProject
    docs: Mapping[str, str]
    model_files: Mapping[str, str]
    """Models and snapshots that have code: folded name to file."""
    seed_files: Mapping[str, str]
    """CSV files: folded seed name to file."""
    tables: list[TableDraft] = field(default_factory=list)
    disabled: set[str] = field(default_factory=set)
    """Names of resources that are switched off, so that their files make no table either."""
    delimiters: dict[str, str] = field(default_factory=dict)
    _unused: dict[str, Location] = field(default_factory=dict)
    _renderer: Renderer = field(init=False)
    _doc_renderer: Renderer = field(init=False)

    def __post_init__(self) -> None:
        self._renderer = self.project.renderer.with_context(**reference_functions())
        self._doc_renderer = self.project.renderer.with_context(
            doc=_Doc(self.docs, self.diagnostics), env_var=_no_environment
        )

    @property
    def diagnostics(self) -> list[Diagnostic]:
        return self.project.diagnostics

    def read_file(self, name: str) -> None:
        """Reads one property file; a file that cannot be read leaves only diagnostics."""
        document = self.project.files.read_document(name)
        if document is None or document.value is None:
            return
        if not isinstance(document.value, dict):
            self._error(
                "not-a-mapping", "a property file must start with models:, sources: or seeds:", document.location()
            )
            return
        for section, entries in document.items():
            if section.startswith("x-"):
                continue  # By custom a place for anchors; what is read of them is read where they are named.
            if section not in _SECTIONS:
                self._unknown_key(section, _SECTIONS, document, "a property file")
            elif section in _OTHER_SECTIONS:
                self._unused.setdefault(section, document.location(section))
            elif section in _TABLE_SECTIONS:
                self._read_section(section, entries)

    def report_unused(self) -> None:
        """One note on the sections that say nothing of a table."""
        if self._unused:
            first = next(iter(self._unused.values()))
            names = ", ".join(sorted(self._unused))
            self.diagnostics.append(
                Diagnostic("sections-not-used", f"not used: {names}, first here", first, Severity.NOTE)
            )

    def _read_section(self, section: str, entries: Document) -> None:
        if entries.value is None:
            return
        if not isinstance(entries.value, list):
            self._error(
                "not-a-list", f"{section}: must hold a list", entries.location(), "put a dash before each  - name:"
            )
            return
        for raw in entries.elements():
            if not self._is_entry(raw, section):
                continue
            entry = self._renderer.render_document(raw, _late_rendered)
            if section == "sources":
                self._read_source(entry)
            else:
                self._read_resource(section, entry)

    def _is_entry(self, entry: Document, section: str) -> bool:
        if isinstance(entry.value, dict) and entry.value.get("name") is not None:
            self._check_keys(entry, section)
            return True
        self._error("no-name", f"each entry of {section}: needs a name", entry.location(), "write  - name: the_name")
        return False

    def _check_keys(self, entry: Document, kind: str) -> None:
        known = _ENTRY_KEYS[kind]
        for key in entry.value:
            if key not in known:
                self._unknown_key(key, known, entry, f"an entry of {kind}:")
        config = entry.at("config")
        for key in config.value if isinstance(config.value, dict) else ():
            if key == "seedbed" or (key not in _READ_CONFIG and closest_strictly(key, _READ_CONFIG)):
                self._unknown_key(key, _READ_CONFIG, config, "config:")

    def _read_resource(self, section: str, entry: Document) -> None:
        name, file = str(entry.value["name"]), entry.file
        folded = name.casefold()
        version, code = self._version(entry)
        built_by = self.model_files.get(folded) or code
        origin_file = self.seed_files.get(folded, file) if section == "seeds" else (built_by or file)
        folders = fqn_folders(origin_file, self.project.resource_folders)
        config = self.project.configured(section, (*folders, name))
        _add_config(config, entry)
        if version is not None:
            _add_config(config, version)
        if not config.enabled:
            self.disabled.add(folded)
            return
        resource = Resource.SEED if section == "seeds" else Resource.MODEL
        table = TableDraft(name, resource, entry.location("name"), config.text("alias") or name, config.text("schema"))
        table.built = section == "snapshots" or (section == "models" and built_by is not None)
        if section == "seeds":
            self.delimiters[folded] = config.text("delimiter") or ","
        self._read_body(table, entry, config, version)
        self._read_column_types(table, config)
        self.tables.append(table)

    def _version(self, entry: Document) -> tuple[Document | None, str | None]:
        """The latest version of a versioned model, and the file that builds any of its versions."""
        versions = [version for version in entry.at("versions").elements() if isinstance(version.value, dict)]
        if not versions:
            return None, None
        name = str(entry.value["name"])
        for version in versions:
            self._check_keys(version, "versions")
        built = None
        for version in versions:
            number = version.value.get("v")
            for file in (version.value.get("defined_in"), f"{name}_v{number}", f"{name}.v{number}"):
                built = built or self.model_files.get(str(file).casefold())
        latest = entry.value.get("latest_version")
        chosen = next((version for version in versions if version.value.get("v") == latest), None)
        return chosen or max(versions, key=lambda version: _version_order(version.value.get("v"))), built

    def _read_source(self, entry: Document) -> None:
        source = str(entry.value["name"])
        schema = str(entry.value.get("schema") or source)
        tables = entry.at("tables")
        if tables.value is not None and not isinstance(tables.value, list):
            self._error("not-a-list", "tables: must hold a list", tables.location(), "put a dash before each  - name:")
            return
        folders = fqn_folders(entry.file, self.project.resource_folders)
        databases: dict[str, str] = {}  # with the first table in each
        for child in tables.elements():
            if not self._is_entry(child, "tables"):
                continue
            name = str(child.value["name"])
            config = self.project.configured("sources", (*folders, source, name))
            _add_config(config, entry)
            _add_config(config, child)
            if not config.enabled:
                self.disabled.add(f"{source}.{name}".casefold())
                continue
            identifier = str(child.value.get("identifier") or name)
            place = child.location("name")
            table = TableDraft(f"{source}.{name}", Resource.SOURCE, place, identifier, config.text("schema") or schema)
            table.source = SourceTable(source, name, config.text("schema") or schema, identifier)
            external = self._external_file(config, table.source)
            table.source = replace(table.source, external=external)
            self._read_body(table, child, config, None)
            if external and not self.project.wrote(external) and (self.project.root / external).is_file():
                table.data_file = self.project.root / external
            self.tables.append(table)
            if not external:
                databases.setdefault(config.text("database") or str(entry.value.get("database") or ""), name)
        self._report_databases(entry, databases)

    def _report_databases(self, entry: Document, databases: Mapping[str, str]) -> None:
        """Warns where dbt looks for tables of a source in another database than the one that is written to."""
        own = self.project.target.database
        for database, table in databases.items():
            if own and database and database.casefold() != own.casefold():
                source = entry.value["name"]
                self._warn(
                    "other-database",
                    f"dbt looks for {source}.{table} in the database {database}, and the target's is {own}: what is "
                    f"generated for {source} is written to {own}, where dbt does not find it",
                    entry.location("database" if entry.value.get("database") else "name"),
                    'leave database: out, or let it follow the target, such as database: "{{ target.database }}"',
                )

    def _external_file(self, config: Config, source: SourceTable) -> str | None:
        """The local file that dbt-duckdb's `external_location` names, relative to the project's root."""
        location = config.meta("external_location") or config.get("external_location")
        if location is None or not isinstance(location.value, str):
            return None
        name = location.value
        for key, value in (
            ("name", source.table_name),
            ("identifier", source.identifier),
            ("schema", source.database_schema),
        ):
            name = name.replace("{" + key + "}", value)
        quoted = re.search(r"'([^']+)'", name)
        name = quoted[1] if quoted else name
        return None if "://" in name else PurePosixPath(name).as_posix()

    def _read_body(self, table: TableDraft, entry: Document, config: Config, version: Document | None) -> None:
        table.description = self._description(version, table.name) if version is not None else None
        table.description = table.description or self._description(entry, table.name)
        table.tags.extend(config.tags)
        table.annotation = self._annotation(config)
        for column in self._columns(entry, version):
            self._read_column(table, column)
        constraints = entry.at("constraints")
        if version is not None and version.value.get("constraints") is not None:
            constraints = version.at("constraints")
        for constraint in self._elements(constraints, "constraints"):
            self._read_constraint(table, None, constraint)
        if table.annotation is not None:
            self._read_structure(table, table.annotation)
        tested = version if version is not None and {"tests", "data_tests"} & set(version.value) else entry
        for key in ("tests", "data_tests"):
            read_tests(tested.at(key), table, None, self._renderer, self.diagnostics)

    def _columns(self, entry: Document, version: Document | None) -> list[Document]:
        columns = list(self._elements(entry.at("columns"), "columns"))
        if version is None or version.value.get("columns") is None:
            return columns
        own = list(self._elements(version.at("columns"), "columns"))
        include: Any = "*"
        excluded: set[str] = set()
        for rule in own:
            if isinstance(rule.value, dict) and "include" in rule.value:
                include = rule.value["include"]
                excluded = {str(name).casefold() for name in as_list(rule.value.get("exclude"))}
        named = {str(name).casefold() for name in as_list(include)}

        def kept(column: Document) -> bool:
            name = str(column.value.get("name")).casefold() if isinstance(column.value, dict) else ""
            keep = name not in excluded and (bool(named & {"*", "all"}) or name in named)
            if not keep and isinstance(column.value, dict):
                self._check_column_keys(column)
            return keep

        return [
            *(column for column in columns if kept(column)),
            *(column for column in own if not (isinstance(column.value, dict) and "include" in column.value)),
        ]

    def _read_column(self, table: TableDraft, entry: Document) -> None:
        if not isinstance(entry.value, dict) or entry.value.get("name") is None:
            self._error(
                "no-name", f"each column of {table.name} needs a name", entry.location(), "write  - name: the_name"
            )
            return
        self._check_column_keys(entry)
        name = str(entry.value["name"])
        before = table.column(name)
        if before is not None:
            self._warn(
                "duplicate-column",
                f"the column {name} of {table.name} stands here and in {before.origin.short}; both are read as one",
                entry.location("name"),
                "remove one of them",
            )
        column = table.declare(name, entry.location("name"))
        column.quoted = column.quoted or entry.value.get("quote") is True
        column.description = column.description or self._description(entry, f"{table.name}.{name}")
        self._read_data_type(table, column, entry.at("data_type"))
        config = Config()
        _add_config(config, entry)
        column.annotation = self._annotation(config) or column.annotation
        for constraint in self._elements(entry.at("constraints"), "constraints"):
            self._read_constraint(table, column, constraint)
        for key in ("tests", "data_tests"):
            read_tests(entry.at(key), table, column, self._renderer, self.diagnostics)

    def _check_column_keys(self, entry: Document) -> None:
        for key in entry.value:
            if key not in _COLUMN_KEYS:
                self._unknown_key(key, _COLUMN_KEYS, entry, "a column")

    def _read_data_type(self, table: TableDraft, column: ColumnDraft, entry: Document) -> None:
        if entry.value is None:
            return
        data_type = parse_data_type(str(entry.value))
        if data_type is not None:
            set_data_type(table, column, data_type, entry.location(), self.diagnostics)
            return
        self._warn(
            "unknown-type",
            f'"{entry.value}" is not a type that Seedbed knows; {table.name}.{column.name} counts as untyped',
            entry.location(),
            "use an SQL type such as integer, varchar(20), decimal(12,2), date or timestamp",
        )

    def _read_column_types(self, table: TableDraft, config: Config) -> None:
        types = config.get("column_types")
        for name, entry in types.items() if types is not None else ():
            # A type set for a whole folder of seeds names columns that other seeds have.
            if table.column(name) is not None or entry.file != "dbt_project.yml" or table.name in entry.path:
                self._read_data_type(table, table.declare(name, entry.location()), entry)

    def _read_constraint(self, table: TableDraft, column: ColumnDraft | None, entry: Document) -> None:
        if not isinstance(entry.value, dict):
            self._error("constraint-form", "a constraint needs a type", entry.location(), "write  - type: not_null")
            return
        for key in entry.value:
            if key not in _CONSTRAINT_KEYS:
                self._unknown_key(key, _CONSTRAINT_KEYS, entry, "a constraint")
        kind = str(entry.value.get("type")).lower()
        place = entry.location()
        columns = (column.name,) if column else _names(entry.value.get("columns"))
        expression = entry.value.get("expression")
        if kind in ("primary_key", "unique", "foreign_key", "not_null") and not columns:
            self._error(
                "constraint-form", f"a {kind} constraint on a table needs columns", place, "add columns: [a, b]"
            )
        elif kind == "primary_key":
            if column is not None and table.primary_key is not None and _is_column_key(table):
                table.primary_key = Fact((*table.primary_key.value, column.name), table.primary_key.origin)
            else:
                table.set_primary_key(columns, place, self.diagnostics)
        elif kind == "unique":
            table.add_unique_key(columns, place)
        elif kind == "not_null":
            table.never_null.append(Fact(columns, place))
        elif kind == "check":
            if isinstance(expression, str) and expression.strip():
                table.checks.append(Fact(expression.strip(), place))
            else:
                self._error("constraint-form", "a check constraint needs an expression", place)
        elif kind == "foreign_key":
            self._read_foreign_key(table, columns, entry)
        elif kind != "custom":
            known = ("primary_key", "foreign_key", "unique", "not_null", "check", "custom")
            self._warn(
                "unknown-constraint", f'there is no constraint "{kind}"', entry.location("type"), closest(kind, known)
            )

    def _read_foreign_key(self, table: TableDraft, columns: tuple[str, ...], entry: Document) -> None:
        to, parents = entry.value.get("to"), _names(entry.value.get("to_columns")) or None
        if isinstance(to, str):
            to = self._renderer.render_argument(to, entry.location("to"))
        if to is None and isinstance(entry.value.get("expression"), str):
            to, parents = _parse_references(entry.value["expression"])
        if not isinstance(to, Reference | str):
            self._warn(
                "constraint-form",
                f"the parent of the foreign key ({', '.join(columns)}) of {table.name} cannot be read",
                entry.location(),
                "write  to: ref('parent')  and  to_columns: [id]",
            )
            return
        table.keys.append(KeyDraft(columns, to, parents, entry.location()))

    def _annotation(self, config: Config) -> Document | None:
        annotation = config.meta("seedbed")
        for key, entry in config.entries:
            for name in entry.value if key == "meta" and isinstance(entry.value, dict) else ():
                if name != "seedbed" and closest_strictly(name, ("seedbed",)):
                    self._unknown_key(name, ("seedbed",), entry, "meta:")
        if annotation is not None and not isinstance(annotation.value, dict):
            self._error(
                "annotation-form", "meta.seedbed must hold keys and values, such as rows: 100", annotation.location()
            )
            return None
        return annotation

    def _read_structure(self, table: TableDraft, annotation: Document) -> None:
        """The keys that are facts, and the rules in words; the plan reads the other keys."""
        key = annotation.at("primary_key")
        if key.value is not None:
            names = _names(key.value)
            if names:
                table.set_primary_key(names, key.location(), self.diagnostics)
            else:
                self._error("annotation-form", "primary_key must list columns", key.location(), "write [a, b]")
        for entry in self._elements(annotation.at("foreign_keys"), "foreign_keys"):
            value = entry.value if isinstance(entry.value, dict) else {}
            columns, to = _names(value.get("columns", value.get("column"))), value.get("to")
            parents = _names(value.get("to_columns", value.get("to_column"))) or None
            for unknown in set(value) - {"columns", "column", "to", "to_columns", "to_column"}:
                self._unknown_key(unknown, ("columns", "to", "to_columns"), entry, "a foreign key")
            if isinstance(to, str):
                to = self._renderer.render_argument(to, entry.location("to"))
            if columns and isinstance(to, Reference | str) and (parents is None or len(parents) == len(columns)):
                table.keys.append(KeyDraft(columns, to, parents, entry.location()))
            else:
                self._error(
                    "annotation-form",
                    "a foreign key needs columns, a parent, and as many columns there",
                    entry.location(),
                    "write  {columns: [a, b], to: parent, to_columns: [c, d]}",
                )
        table.rules.extend(self._rules(annotation.at("rules")))

    def _rules(self, rules: Document) -> Iterable[Sentence]:
        """Sentences, typed rules, and mappings that hold both."""
        listed = [rules] if isinstance(rules.value, str) else list(self._elements(rules, "rules"))
        for entry in listed:
            said = entry.value if isinstance(entry.value, dict) else {"says": entry.value}
            for unknown in set(said) - {"says", "rule"}:
                self._unknown_key(unknown, ("says", "rule"), entry, "a rule")
            says, rule = said.get("says"), said.get("rule")
            if isinstance(rule, str) and isinstance(says, str | None):
                yield Sentence((says or rule).strip(), entry.location(), None, rule.strip())
            elif isinstance(says, str) and says.strip() and rule is None:
                yield read_sentence(says, entry.location(), None)
            else:
                self._error(
                    "annotation-form",
                    f"a rule is a sentence, not {entry.value!r}",
                    entry.location(),
                    "write the sentence, or  {says: a sentence, rule: \"row('amount > 0')\"}",
                )

    def _elements(self, entries: Document, what: str) -> Iterable[Document]:
        if entries.value is not None and not isinstance(entries.value, list):
            self._error("not-a-list", f"{what}: must hold a list", entries.location(), "put a dash before each entry")
        return entries.elements()

    def _description(self, entry: Document, subject: str) -> Fact[str] | None:
        text = entry.value.get("description")
        if text is None:
            return None
        place = entry.location("description")
        if isinstance(text, str) and looks_like_jinja(text):
            rendered = self._doc_renderer.render(text, place)
            text = text if rendered is None else rendered
        described = str(text).strip()
        return Fact(described, place) if described else None

    def _unknown_key(self, key: str, known: Iterable[str], entry: Document, where: str) -> None:
        known = sorted(known)
        hint = closest(key, known)
        if key == "seedbed":
            hint = "write it under config: meta: seedbed:"
        self._warn("unknown-key", f'{where} has no key "{key}"; nothing is read from it', entry.location(key), hint)

    def _warn(self, code: str, message: str, place: Location, hint: str | None = None) -> None:
        self.diagnostics.append(Diagnostic(code, message, place, Severity.WARNING, hint))

    def _error(self, code: str, message: str, place: Location, hint: str | None = None) -> None:
        self.diagnostics.append(Diagnostic(code, message, place, hint=hint))


class _Doc(Facade):
    """dbt's `doc()`: the text of a `{% docs %}` block."""

    def __init__(self, blocks: Mapping[str, str], diagnostics: list[Diagnostic]) -> None:
        self.blocks, self.diagnostics = blocks, diagnostics

    def __call__(self, *names: str) -> str:
        """The block's text; the last name counts, an earlier one is the package."""
        name = str(names[-1]) if names else ""
        if name not in self.blocks:
            message = f"there is no {{% docs {name} %}} block in the Markdown files of this project"
            hint = closest(name, self.blocks)
            self.diagnostics.append(Diagnostic("missing-doc", message, self.place, Severity.WARNING, hint))
        return self.blocks.get(name, "")


def _no_environment(name: str, default: Any = None) -> str:
    # A description goes into the prompt and into committed files, where the environment has no business.
    raise Refused("env-var-in-description", f"descriptions are not given the environment variable {name}")


def _late_rendered(path: Path) -> bool:
    """What dbt does not render with the entry: descriptions, data tests and hooks, at any depth but inside `meta`."""
    return path[-1] in _LATE and "meta" not in path


def closest_strictly(key: str, known: Iterable[str]) -> bool:
    """Whether a free key is so like a known one that it must be a slip: one letter more, less or other."""
    return any(key != word and _is_one_edit(key.casefold(), word) for word in known)


def _is_one_edit(left: str, right: str) -> bool:
    if abs(len(left) - len(right)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
    rest = left[start:], right[start:]
    swapped = len(rest[0]) > 1 and rest[0][1::-1] + rest[0][2:] == rest[1]
    return rest[0][1:] == rest[1] or rest[0] == rest[1][1:] or rest[0][1:] == rest[1][1:] or swapped


def _add_config(config: Config, entry: Document) -> None:
    """Adds what a property file says: `meta` and `tags` stand under `config` or, in older files, beside it."""
    for key in ("meta", "tags"):
        if entry.value.get(key) is not None:
            config.add(key, entry.at(key))
    for key, value in entry.at("config").items():
        config.add(key, value)


def _names(value: Any) -> tuple[str, ...]:
    """Column names, listed or single; empty when it is neither."""
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(name, str | int) for name in listed):
        return ()
    return tuple(str(name) for name in listed)


_REFERENCES = re.compile(
    r"^\s*(?:references\s+)?(ref\(\s*(['\"])\w+\2\s*\)|[\w.\"`\[\]{}$-]+)\s*\(([^()]+)\)", re.IGNORECASE
)


def _parse_references(expression: str) -> tuple[Reference | str | None, tuple[str, ...] | None]:
    """The parent of an older constraint: `expression: "schema.customers (id)"`."""
    match = _REFERENCES.match(expression)
    if not match:
        return None, None
    columns = tuple(name.strip().strip('"`') for name in match[3].split(","))
    if match[2]:
        return Reference(match[1].split(match[2])[1]), columns
    return match[1].split(".")[-1].strip('"`[]'), columns


def _is_column_key(table: TableDraft) -> bool:
    """Whether the primary key was said at a column: dbt lets several columns say so, which makes it composite."""
    return table.primary_key is not None and "columns" in (table.primary_key.origin.path or "").split(".")


def _version_order(version: Any) -> tuple[int, float, str]:
    try:
        return 1, float(version), ""
    except (TypeError, ValueError):
        return 0, 0.0, str(version)
