"""Puts the seedbed dbt package into a project: its files are part of this distribution, so no network is needed."""

from __future__ import annotations

import filecmp
import re
import shutil
from pathlib import Path

from seedbed.errors import SinkError
from seedbed.swap import Swap
from seedbed.yaml_text import read_yaml

PACKAGE_FOLDER = "seedbed/dbt"
_ENTRY = f"- local: {PACKAGE_FOLDER}"


def distribution() -> Path:
    """The folder that holds the dbt package: beside these modules once installed, else the repository's root."""
    installed = Path(__file__).parent / "dbt"
    return installed if (installed / "dbt_project.yml").exists() else Path(__file__).parents[2]


def install_package(root: Path) -> list[str]:
    """Copies the dbt package below `root` and lists it in packages.yml; says in words what was done.

    Raises:
        SinkError: a file cannot be read or written.
    """
    source, target = distribution(), root / PACKAGE_FOLDER
    if source == root:
        return []
    done = []
    try:
        wanted = [source / "dbt_project.yml", *sorted((source / "macros").rglob("*.*"))]
        changed = [path for path in wanted if not _same(path, target / path.relative_to(source))]
        for path in changed:
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        if changed:
            done.append(f"wrote {PACKAGE_FOLDER}: the dbt package with Seedbed's tests")
        listed = _list_package(root)
        if listed:
            done.append(listed)
    except OSError as error:
        raise SinkError(f"The dbt package cannot be put into {root}: {error}") from error
    return done


def _same(path: Path, copy: Path) -> bool:
    return copy.exists() and filecmp.cmp(path, copy, shallow=False)


def _list_package(root: Path) -> str | None:
    """Adds the package to the file that lists the project's packages, leaving the rest of it as it is."""
    dependencies = root / "dependencies.yml"
    file = dependencies if _packages(dependencies) else root / "packages.yml"
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    packages = _packages(file)
    if any(isinstance(item, dict) and str(item.get("local", "")).strip("./") == PACKAGE_FOLDER for item in packages):
        return None
    if not packages:
        kept = re.sub(r"(?m)^packages:.*\n?", "", text)
        new = f"{kept.rstrip()}\n" if kept.strip() else ""
        new += f"packages:\n  {_ENTRY}\n"
    else:
        new = re.sub(
            r"(?m)^(packages:[^\n]*\n)((?:\s*(?:#[^\n]*)?\n)*)([ \t]*)-", rf"\1\2\3{_ENTRY}\n\3-", text, count=1
        )
    if len(_packages_in(new, file.name)) != len(packages) + 1:
        raise SinkError(f'{file.name} cannot be extended; add "{_ENTRY}" to its packages')
    with Swap() as swap:
        swap.text(file, new)
    return f"added it to {file.name}"


def _packages(file: Path) -> list[object]:
    return _packages_in(file.read_text(encoding="utf-8"), file.name) if file.exists() else []


def _packages_in(text: str, file: str) -> list[object]:
    listed = read_yaml(text, file).at("packages").value
    return listed if isinstance(listed, list) else []
