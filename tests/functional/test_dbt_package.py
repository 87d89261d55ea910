"""The dbt package as another project sees it: each generic test on seeds whose guilty rows are known.

One consumer project holds all cases and is built once on each database that there is. A case's `error_if: "!= n"` in
its property file is its expected number of guilty rows.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from dbt_targets import ADAPTERS, running_target

ROOT = Path(__file__).parents[2]
CONSUMER = ROOT / "tests/functional/dbt_package"
CASES = ROOT / "tests/cases/dbt_tests"
GENERIC_TESTS = sorted(path.stem for path in (ROOT / "macros/generic_tests").glob("*.sql"))


def _declared_cases() -> Iterator[tuple[str, int]]:
    """(name, expected guilty rows) of every case in the property files.

    dbt counts the rows against `error_if` itself, and its results give no count for a test that passes.
    """
    for path in sorted((CASES / "seeds").rglob("*.yml")):
        for seed in yaml.safe_load(path.read_text(encoding="utf-8"))["seeds"]:
            tests = [*seed.get("data_tests", ())]
            for column in seed.get("columns", ()):
                tests += column["data_tests"]
            for properties in (next(iter(test.values())) for test in tests):
                expected = properties.get("config", {}).get("error_if", "!= 0")
                yield properties["name"], int(expected.removeprefix("!= "))


DECLARED = dict(_declared_cases())
REFUSALS = yaml.safe_load((CASES / "refusals.yml").read_text(encoding="utf-8"))


def _dbt(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DBT_PROFILES_DIR": str(project), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    command = [sys.executable, "-m", "dbt.cli.main", "--no-use-colors", *arguments]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def consumer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has the package installed and all cases as its seeds."""
    project = tmp_path_factory.mktemp("consumer") / "project"
    shutil.copytree(CONSUMER, project)
    shutil.copytree(CASES / "seeds", project / "seeds")
    (project / "packages.yml").write_text(yaml.safe_dump({"packages": [{"local": str(ROOT)}]}), encoding="utf-8")
    installed = _dbt(project, "deps")
    assert installed.returncode == 0, installed.stdout
    return project


@pytest.fixture(scope="module", params=ADAPTERS)
def results(
    consumer: Path, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Mapping[str, Any]]:
    """What `dbt build` found, by the name of the test."""
    project = tmp_path_factory.mktemp(request.param) / "project"
    shutil.copytree(consumer, project, symlinks=True)
    with running_target(request.param) as target:
        profile = {"consumer": {"target": "dev", "outputs": {"dev": dict(target)}}}
        (project / "profiles.yml").write_text(yaml.safe_dump(profile), encoding="utf-8")
        built = _dbt(project, "build")
    run_results = project / "target/run_results.json"
    assert run_results.exists(), built.stdout
    found = json.loads(run_results.read_text(encoding="utf-8"))["results"]
    return {result["unique_id"].split(".")[2]: result for result in found}


@pytest.fixture(scope="module")
def refusals(consumer: Path) -> list[str | None]:
    answers = consumer / "refusals.json"
    subprocess.run(
        [sys.executable, "render_tests.py", str(answers)],
        input=json.dumps([[case["test"], case["arguments"]] for case in REFUSALS]),
        cwd=consumer,
        env={**os.environ, "DBT_PROFILES_DIR": str(consumer)},
        capture_output=True,
        text=True,
        check=True,
    )
    messages: list[str | None] = json.loads(answers.read_text(encoding="utf-8"))
    return messages


@pytest.mark.parametrize("name", DECLARED)
def test_guilty_rows_are_as_many_as_expected(results: Mapping[str, Mapping[str, Any]], name: str) -> None:
    assert results[name]["status"] == "pass", results[name]["message"]


def test_every_node_was_built(results: Mapping[str, Mapping[str, Any]]) -> None:
    assert {result["status"] for result in results.values()} == {"pass", "success"}
    assert {name for name in results if "__" in name} == set(DECLARED)


@pytest.mark.parametrize("test", GENERIC_TESTS)
def test_every_generic_test_has_its_cases(test: str) -> None:
    cases = {name.partition("__")[2]: expected for name, expected in DECLARED.items() if name.startswith(f"{test}__")}
    assert {"clean", "null", "one_row", "empty"} <= cases.keys()
    assert any(expected > 1 for expected in cases.values())
    assert any(case["test"] == test for case in REFUSALS)


@pytest.mark.parametrize("index", range(len(REFUSALS)), ids=[f"{case['test']}-{n}" for n, case in enumerate(REFUSALS)])
def test_wrong_arguments_are_refused(refusals: list[str | None], index: int) -> None:
    case = REFUSALS[index]
    assert f"seedbed.{case['test']}: {case['message']}\n" in (refusals[index] or "was not refused")


def test_nothing_of_the_demonstration_reaches_a_consumer(consumer: Path) -> None:
    listed = _dbt(consumer, "--quiet", "ls", "--output", "json", "--output-keys", "package_name unique_id")
    assert listed.returncode == 0, listed.stdout
    nodes = [json.loads(line) for line in listed.stdout.splitlines()]
    assert len(nodes) > len(DECLARED)
    assert [node["unique_id"] for node in nodes if node["package_name"] != "consumer"] == []


def test_package_needs_the_version_that_it_says() -> None:
    package = yaml.safe_load((ROOT / "dbt_project.yml").read_text(encoding="utf-8"))
    assert package["require-dbt-version"] == [">=1.10.5", "<3.0.0"]
    assert not (ROOT / "packages.yml").exists()
    assert not (ROOT / "dependencies.yml").exists()


def _signature(test: str) -> list[str]:
    """The arguments of a generic test as its macro declares them."""
    text = (ROOT / "macros/generic_tests" / f"{test}.sql").read_text(encoding="utf-8")
    declared = re.match(r"\{% test (\w+)\((.*?)\) %\}", text)
    assert declared, f"{test}.sql does not begin with its test"
    assert declared[1] == test
    return [argument.split("=")[0].strip() for argument in declared[2].split(",")]


@pytest.mark.parametrize("test", GENERIC_TESTS)
def test_generic_test_is_documented(test: str) -> None:
    signature = _signature(test)
    macros = yaml.safe_load((ROOT / "macros/_macros.yml").read_text(encoding="utf-8"))["macros"]
    described = {macro["name"]: macro for macro in macros}[f"test_{test}"]
    assert described["description"]
    assert [argument["name"] for argument in described["arguments"]] == signature
    assert all(argument["description"] for argument in described["arguments"])

    page = (ROOT / "docs/tests.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## `(\w+)`$", page, re.MULTILINE)
    assert sorted(headings) == GENERIC_TESTS
    section = page.split(f"## `{test}`\n")[1].split("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [name for name in signature if name != "model"]

    example = yaml.safe_load(re.findall(r"^```yaml\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[0])
    (resource,) = next(iter(example.values()))
    used = (resource["data_tests"] if "data_tests" in resource else resource["columns"][0]["data_tests"])[0]
    optional = set(re.findall(r"^\| `(\w+)` \| Optional\.", section, re.MULTILINE))
    arguments = set(used[f"seedbed.{test}"]["arguments"]) | ({"column_name"} if "columns" in resource else set())
    assert set(signature) - optional - {"model"} <= arguments <= set(signature)


def test_nothing_is_documented_that_does_not_exist() -> None:
    macros = yaml.safe_load((ROOT / "macros/_macros.yml").read_text(encoding="utf-8"))["macros"]
    assert [macro["name"] for macro in macros if macro["name"].startswith("test_")] == [
        f"test_{test}" for test in _in_reading_order()
    ]


def _in_reading_order() -> list[str]:
    page = (ROOT / "docs/tests.md").read_text(encoding="utf-8")
    return re.findall(r"^## `(\w+)`$", page, re.MULTILINE)
