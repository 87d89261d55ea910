"""The house rules that a machine can hold: floors, size of modules, what an import costs, what may be said."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import seedbed

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "generator" / "seedbed"
MODULES = sorted(PACKAGE.rglob("*.py"))


def test_imports_run_downwards():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_stay_small_and_say_what_they_are_for(module):
    text = module.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 600
    assert not text or text.lstrip().startswith('"""'), "a module begins by saying what it is for"


_HEAVY = ("dbt", "faker", "jinja2", "lark", "openai", "pandas", "pyspark", "rich", "sqlglot")


@pytest.mark.parametrize(
    ("code", "unneeded"),
    [
        ("import seedbed", (*_HEAVY, "click", "duckdb", "pyarrow", "pydantic", "yaml")),
        ("from seedbed.__main__ import run", (*_HEAVY, "click", "duckdb", "pyarrow", "pydantic", "yaml")),
        (
            "import sys; from seedbed.__main__ import run; sys.argv = ['seedbed', '--help']\n"
            "try:\n    run()\nexcept SystemExit as end:\n    assert end.code == 0",
            (*_HEAVY, "duckdb", "pyarrow", "pydantic", "yaml"),
        ),
        (
            "import seedbed.engine.extracts, seedbed.engine.ranges, seedbed.engine.workers",
            (
                *(*_HEAVY, "click", "duckdb", "yaml"),
                *("seedbed.api", "seedbed.authoring", "seedbed.check", "seedbed.parsers"),
                *("seedbed.plan.merge", "seedbed.plan.resolve", "seedbed.plan.spec", "seedbed.sinks"),
            ),
        ),
        *(
            (f"import seedbed.cli.{module}", ("faker", "lark", "sqlglot", "seedbed.authoring.llm", "seedbed.report"))
            for module in ("planning", "generating")
        ),
    ],
    ids=["import", "start", "help", "engine", "plan", "generate"],
)
def test_what_is_not_needed_is_not_loaded(code, unneeded):
    """It would be waited for at every start; and once for every process that makes rows."""
    shown = f"{code}\nimport sys; print([name for name in {unneeded!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_validators_are_built_before_threads_need_them():
    code = (
        "import seedbed.api, seedbed.authoring.llm.author, pydantic\n"
        "def unready(kind):\n"
        "    below = kind.__subclasses__()\n"
        "    yield from (name for sub in below for name in unready(sub))\n"
        "    if not below and not kind.__pydantic_complete__:\n        yield kind.__name__\n"
        "print(list(unready(pydantic.BaseModel)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_only_one_door_to_each_optional_library():
    doors = {
        "openai": {"authoring/client/openai.py"},
        "pyspark": {"spark.py"},
        "dbt": {"duckdb_plugin.py"},
        "pandas": {"notebook.py", "sinks/dataframes.py"},
    }
    for module in MODULES:
        for library in re.findall(r"^\s*(?:from|import) (\w+)", module.read_text(encoding="utf-8"), re.M):
            allowed = doors.get(library)
            assert allowed is None or str(module.relative_to(PACKAGE)) in allowed, f"{module} imports {library}"


def test_every_public_name_is_there_and_documented():
    assert len(seedbed.__all__) <= 20
    code = "import seedbed; print([n for n in seedbed.__all__ if not getattr(seedbed, n).__doc__])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_commands_do_without_pandas(tmp_path):
    """It is installed here, and pyarrow would import it."""
    shutil.copytree(ROOT / "benchmarks" / "plans" / "strings", tmp_path, dirs_exist_ok=True)
    code = (
        "import sys; from seedbed.__main__ import run\n"
        f"sys.argv = ['seedbed', 'generate', '--quiet', '--scale', '0.0001', '--project-dir', {str(tmp_path)!r}]\n"
        "try:\n    run()\n"
        "except SystemExit as end:\n    print(end.code, 'pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "0 False"
    assert (tmp_path / "seeds" / "contact.csv").exists()
