"""Runs other processes and measures them: seconds, CPU time and memory of each with all that it starts."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "seedbed-benchmarks"
MEGABYTE = 1e6
_PAGE = os.sysconf("SC_PAGE_SIZE")
_LOOK_EVERY = 0.05

# Its wheel names none of what it imports.
_DBLDATAGEN = ("dbldatagen", "jmespath", "pyparsing", "pandas>=2.2,<3", "setuptools")

ENVIRONMENTS: Mapping[str, Sequence[str]] = {
    "tools": ("duckdb", "Faker", "mimesis", "numpy", "pandas", "polars", "pyarrow"),
    "snowfakery": ("snowfakery",),
    "tpchgen": ("tpchgen-cli",),
    # The last wheel that has the TPC-H extension built in.
    "dbgen": ("duckdb==1.0.0",),
    "sdv": ("sdv",),
    # Seedbed too, which makes rows inside Spark's workers; pyspark[sql] 3.5 would keep numpy below 2.
    "spark": ("pyspark>=3.5,<4", *_DBLDATAGEN, f"--editable={HERE.parent}"),
}
"""What the peers need, each group in a virtual environment of its own."""


class Unavailable(Exception):
    """A subject cannot be measured here, and why."""


@dataclass(frozen=True)
class Subject:
    """Something to measure. `command` gives the process to start, which may leave its files in the folder.

    Attributes:
        name: as it is shown.
        command: from a fresh folder to the arguments, without the interpreter.
        environment: one of `ENVIRONMENTS`, or None for the one that runs this.
    """

    name: str
    command: Callable[[Path], Sequence[object]]
    environment: str | None = None


Found = dict[str, Any]
"""Of one run: wall, cpu (seconds) and peak (MB) of the process tree, and what the subject reports (subjects/job.py)."""


def interpreter(environment: str | None) -> Path:
    """The Python of an environment, which is made if it is not there.

    Raises:
        Unavailable: its packages cannot be installed.
    """
    if environment is None:
        return Path(sys.executable)
    packages = ENVIRONMENTS[environment]
    own = (HERE.parent / "pyproject.toml").read_text()  # what Seedbed itself needs there may change
    asked = " ".join((sys.version, *packages, own if any("--editable" in package for package in packages) else ""))
    mark = hashlib.sha256(asked.encode()).hexdigest()[:8]
    folder = CACHE / f"{environment}-{mark}"
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        print(f"installing {', '.join(packages)} into {folder}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Unavailable(f"{' '.join(packages)} cannot be installed: {_last_line(done.stderr)}")
        (folder / "installed").touch()
    return python


def measure(subject: Subject) -> Found:
    """One run of a subject, in a folder that is gone afterwards.

    Raises:
        Unavailable: it cannot be installed, or fails.
    """
    python = interpreter(subject.environment)
    with tempfile.TemporaryDirectory(prefix="seedbed-bench-") as name:
        folder = Path(name) / "work"
        folder.mkdir()
        command = [str(part) for part in (python, *subject.command(folder))]
        with (Path(name) / "out").open("w+") as out, (Path(name) / "err").open("w+") as err:
            begun = time.perf_counter()
            process = subprocess.Popen(command, stdout=out, stderr=err, cwd=folder)
            memory = _Memory(process.pid)
            _, status, used = os.wait4(process.pid, 0)
            wall = time.perf_counter() - begun
            process.returncode = os.waitstatus_to_exitcode(status)
            peak = max(memory.stop(), used.ru_maxrss * 1024)
            out.seek(0), err.seek(0)
            said, failed = out.read(), err.read()
        if process.returncode:
            raise Unavailable(f"{subject.name} failed: {_last_line(failed)}")
    found: Found = {"wall": wall, "cpu": used.ru_utime + used.ru_stime, "peak": peak / MEGABYTE}
    last = _last_line(said)
    return found | json.loads(last) if last.startswith("{") else found


def compare(subjects: Sequence[Subject], rounds: int) -> dict[str, Any]:
    """All subjects in turn, again and again: a warm-up, then `rounds` that count.

    Returns:
        By name: the runs as lists of equal length, or why there are none.
    """
    runs: dict[str, Any] = {subject.name: [] for subject in subjects}
    for round_ in range(rounds + 1):
        for subject in subjects:
            if isinstance(runs[subject.name], str):
                continue
            try:
                found = measure(subject)
            except Unavailable as error:
                runs[subject.name] = str(error)
                print(f"  {error}", flush=True)
                continue
            about = "warm-up" if not round_ else f"round {round_}"
            shown = {name: f"{found[name]:.2f}" for name in ("job_cpu", "wall", "peak") if name in found}
            print(f"  {about:8} {subject.name:34} {shown}", flush=True)
            if round_:
                runs[subject.name].append(found)
    return runs


class _Memory:
    """Looks at the resident memory of a process and its descendants, until stopped."""

    def __init__(self, process: int) -> None:
        self._process, self._peak, self._over = process, 0, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._over.wait(_LOOK_EVERY):
            self._peak = max(self._peak, sum(map(_resident, _tree(self._process))))

    def stop(self) -> int:
        """The most bytes that were seen."""
        self._over.set()
        self._thread.join()
        return self._peak


def _tree(process: int) -> Iterator[int]:
    yield process
    try:
        for children in Path(f"/proc/{process}/task").glob("*/children"):
            for child in children.read_text().split():
                yield from _tree(int(child))
    except OSError:
        return  # it has ended


def _resident(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
