"""Turns results.json into results.md and the picture in it. Every figure is a median of rounds; ratios are paired."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from measuring import HERE

REPORT, PICTURE, NOTES = HERE / "results.md", HERE / "scaling.svg", HERE / "notes.md"
Runs = list[dict[str, Any]]
Results = Mapping[str, Any]
TITLES = {
    "csv": "W1, the case star, to CSV on one worker",
    "parquet": "W1 to Parquet on one worker",
    "workers": "W1 on two workers against one",
    "peers": "Other generators: W1, or the nearest that each can express",
    "strings": "W2, strings",
    "wide": "W3, a wide project from nothing to written seeds",
    "growth": "W4, growth",
    "postgres": "Into PostgreSQL",
    "bill": "W5, the LLM's bill for planning fifty tables",
    "sdv": "SDV",
    "spark": "On local Spark, with two cores",
}


@dataclass(frozen=True)
class Goal:
    """A ratio to reach: of `mine` to `other`, or to the best of those whose names begin so."""

    part: str
    text: str
    measure: Callable[[dict[str, Any]], float]
    mine: str
    other: str
    target: float
    least: bool = True

    def ratios(self, results: Results) -> list[float]:
        """One for each round; empty where one of the two was not measured."""
        runs = results.get(self.part, {}).get("runs", {})
        mine, others = _runs(runs, self.mine), [_runs(runs, name) for name in runs if name.startswith(self.other)]
        others = [other for other in others if other]
        if not mine or not others:
            return []
        pick = max if self.least else min
        other = pick(others, key=lambda found: statistics.median(map(self.measure, found)))
        return [self.measure(a) / self.measure(b) for a, b in zip(mine, other, strict=False)]


def _runs(runs: Mapping[str, Any], name: str) -> Runs:
    found = runs.get(name, [])
    return found if isinstance(found, list) else []


def cpu(run: dict[str, Any]) -> float:
    return float(run["job_cpu"])


def wall(run: dict[str, Any]) -> float:
    return float(run["job_wall"])


def values_by_cpu(run: dict[str, Any]) -> float:
    return float(run["values"] / run["job_cpu"])


def rows_by_wall(run: dict[str, Any]) -> float:
    return float(run["rows"] / run["job_wall"])


def values_by_wall(run: dict[str, Any]) -> float:
    return float(run["values"] / run["job_wall"])


def _peer(other: str, target: float, mine: str = "seedbed, CSV") -> Goal:
    return Goal("peers", f"W1, values per CPU second, against {other}", values_by_cpu, mine, other, target)


GOALS = (
    Goal(
        "csv",
        "W1 to CSV, CPU, against the fastest writer of the same ready-made Arrow",
        cpu,
        "seedbed, CSV",
        "ready-made",
        1.7,
        least=False,
    ),
    Goal(
        "parquet",
        "W1 to Parquet, CPU, against writing ready-made Arrow",
        cpu,
        "seedbed, Parquet",
        "ready-made",
        2.5,
        least=False,
    ),
    Goal(
        "workers",
        "W1 to Parquet, rows a second (wall), two workers against one",
        rows_by_wall,
        "seedbed, Parquet, 2",
        "seedbed, Parquet, 1",
        1.7,
    ),
    _peer("tpchgen-cli, CSV", 1.0),
    _peer("a script that loops over cases", 50),
    _peer("a careful script, histories in a loop", 10),
    _peer("a careful script, no loop at all", 10),
    _peer("mimesis, persons", 10),
    _peer("mimesis, transactions", 10),
    _peer("Faker, persons", 10),
    _peer("Faker, transactions", 10),
    _peer("Snowfakery", 10),
    Goal("strings", "W2 to CSV, values per CPU second, against mimesis", values_by_cpu, "seedbed, CSV", "mimesis", 30),
    Goal(
        "postgres",
        "PostgreSQL, rows a second (wall), against `dbt seed`",
        rows_by_wall,
        "seedbed load, few rows",
        "dbt seed",
        20,
    ),
    Goal(
        "postgres",
        "PostgreSQL, rows a second (wall), against COPY of a ready-made CSV",
        rows_by_wall,
        "seedbed load, many rows",
        "COPY",
        0.7,
    ),
    Goal(
        "sdv", "values per CPU second, against sampling SDV's Gaussian copula", values_by_cpu, "seedbed, CSV", "SDV", 10
    ),
    Goal(
        "spark",
        "values a second (wall) on two cores, against dbldatagen on local Spark",
        values_by_wall,
        "seedbed, CSV, 2",
        "dbldatagen",
        5,
    ),
    Goal(
        "spark",
        "values a second (wall), both on local Spark, against dbldatagen",
        values_by_wall,
        "seedbed on Spark, CSV",
        "dbldatagen",
        1,
    ),
    Goal(
        "spark",
        "on local Spark (wall), against ready-made rows in the same mapInArrow",
        wall,
        "seedbed on Spark, rows only",
        "ready-made",
        1.5,
        least=False,
    ),
)


def render(results: Results) -> str:
    """Writes the report and its picture; returns where."""
    lines = ["# Results", "", "Written by `make bench`; [README.md](README.md) says what is measured and how.", ""]
    lines += ["| goal | measured | from - to | to reach | |", "|---|---|---|---|---|"]
    lines += [*_goals(results), *_wide_goal(results), *_growth_goals(results), *_bill_goals(results), ""]
    if NOTES.exists():
        lines += [NOTES.read_text(encoding="utf-8"), ""]
    for part, title in TITLES.items():
        if part in results:
            lines += [f"## {title}", "", *_part(part, results[part]), ""]
    lines += ["## Versions", "", *_versions(results)]
    REPORT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(REPORT)


def _row(text: str, said: str, spread: str, target: str, met: bool) -> str:
    return f"| {text} | **{said}** | {spread} | {target} | {'reached' if met else 'missed'} |"


def _goals(results: Results) -> Iterator[str]:
    for goal in GOALS:
        ratios, bound = goal.ratios(results), f"{'at least' if goal.least else 'at most'} {goal.target:g}"
        if not ratios:
            yield f"| {goal.text} | not measured | | {bound} | |"
            continue
        middle = statistics.median(ratios)
        met = middle >= goal.target if goal.least else middle <= goal.target
        yield _row(goal.text, _short(middle), f"{_short(min(ratios))} - {_short(max(ratios))}", bound, met)


def _wide_goal(results: Results) -> Iterator[str]:
    runs = results.get("wide", {}).get("runs", {})
    mine, imports = _runs(runs, "seedbed generate"), _runs(runs, "import pandas, pyarrow, duckdb")
    if mine and imports:
        seconds, limit = _median(mine, "job_wall"), 2 * _median(imports, "wall") + 3
        bound = f"at most {limit:.1f} s: twice `import pandas, pyarrow, duckdb`, and 3 s"
        spread = f"{min(run['job_wall'] for run in mine):.1f} - {max(run['job_wall'] for run in mine):.1f} s"
        yield _row("W3, cold start to written seeds (wall)", f"{seconds:.1f} s", spread, bound, seconds <= limit)


def _growth_goals(results: Results) -> Iterator[str]:
    sizes = [found for found in results.get("growth", {}).get("runs", {}).values() if isinstance(found, list)][1:]
    if len(sizes) > 1:
        for text, figures in (
            ("W4, CPU per row, most against least from the second size on", [_nanoseconds(found) for found in sizes]),
            ("W4, peak memory, likewise", [_median(found, "peak") for found in sizes]),
        ):
            ratio = max(figures) / min(figures)
            yield _row(text, _short(ratio), "", "at most 1.2", ratio <= 1.2)
        peak = max(_median(found, "peak") for found in sizes)
        yield _row("W4, most memory", f"{peak:.0f} MB", "", "at most 1,074 MB", peak <= 1074)


def _bill_goals(results: Results) -> Iterator[str]:
    for found in results.get("bill", {}).get("runs", {}).values():
        if isinstance(found, list) and found[0].get("decided"):
            for text, key, limit in (("in", "tokens_in", 25_000), ("out", "tokens_out", 20_000)):
                tokens = found[0][key]
                yield _row(f"W5, tokens {text}", f"{tokens:,}", "", f"at most {limit:,}", tokens <= limit)


def _part(part: str, found: dict[str, Any]) -> Iterator[str]:
    yield (
        f"{found['when']}, scale {found['scale']:g}, {found['rounds']} rounds, {found['cores']} cores, Python "
        f"{found['python']}, load of the machine over five minutes at the end {found['load']}."
    )
    yield ""
    if part == "bill":
        yield from _bill(found["runs"])
        return
    if part == "growth":
        PICTURE.write_text(draw(found["runs"]), encoding="utf-8")
        yield f"![Time per row and peak memory against rows]({PICTURE.name})"
        yield ""
    yield "| | rows | values | MB | CPU s | wall s | peak MB | million values per CPU s | ns of CPU a row |"
    yield "|---|--:|--:|--:|--:|--:|--:|--:|--:|"
    for name, runs in found["runs"].items():
        if isinstance(runs, str):
            yield f"| {name} | {runs} | | | | | | | |"
        elif runs and "job_cpu" not in runs[0]:
            cpu_time, wall, peak = (_median(runs, key) for key in ("cpu", "wall", "peak"))
            yield f"| {name} | | | | {cpu_time:.2f} | {wall:.2f} | {peak:.0f} | | |"
        elif runs:
            seconds, values = _median(runs, "job_cpu"), _median(runs, "values")
            yield (
                f"| {name} | {_median(runs, 'rows'):,.0f} | {values:,.0f} | {_median(runs, 'bytes') / 1e6:,.1f} | "
                f"{seconds:.2f} | {_median(runs, 'job_wall'):.2f} | {_median(runs, 'peak'):,.0f} | "
                f"{_short(values / seconds / 1e6)} | {_nanoseconds(runs):,.0f} |"
            )


def _bill(runs: Mapping[str, Any]) -> Iterator[str]:
    for name, found in runs.items():
        if isinstance(found, str) or not found[0].get("decided"):
            why = found if isinstance(found, str) else "no replies to the prompts of now are recorded"
            yield f"{name or 'It'} could not be counted: {why}."
        else:
            one = found[0]
            yield (
                f"{one['calls']} calls, {one['tokens_in']:,} tokens in, {one['tokens_out']:,} out; the LLM decided "
                f"{one['decided']} of {one['asked']} entries. Rows cost no tokens: generating reads the plan alone."
            )


def _versions(results: Results) -> Iterator[str]:
    found = {
        (name, version)
        for part in results.values()
        for runs in part["runs"].values()
        if isinstance(runs, list)
        for run in runs
        for name, version in run.get("versions", {}).items()
    }
    yield ", ".join(f"{name} {version}" for name, version in sorted(found)) + "."


def draw(runs: Mapping[str, Any]) -> str:
    """The scaling curve as SVG: nanoseconds of CPU a row and peak memory, against rows on a logarithmic axis."""
    sizes = [found for found in runs.values() if isinstance(found, list)]
    points = [(_median(found, "rows"), _nanoseconds(found), _median(found, "peak")) for found in sizes]
    if not points:
        return '<svg xmlns="http://www.w3.org/2000/svg"/>\n'
    panels = (
        ("CPU time per row, ns", [(rows, cost) for rows, cost, _ in points], 60),
        ("Peak memory, MB", [(rows, peak) for rows, _, peak in points], 440),
    )
    drawn = "\n".join(line for title, panel, left in panels for line in _panel(title, panel, left))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 780 280" font-family="sans-serif" font-size="12">\n'
        f'<rect width="780" height="280" fill="white"/>\n{drawn}\n</svg>\n'
    )


def _panel(title: str, points: Sequence[tuple[float, float]], left: int) -> Iterator[str]:
    width, top, height = 300, 40, 190
    first, last = math.floor(math.log10(points[0][0])), math.ceil(math.log10(points[-1][0]))
    most = max(value for _, value in points) * 1.2

    def place(rows: float, value: float) -> tuple[float, float]:
        across = (math.log10(rows) - first) / max(last - first, 1)
        return left + across * width, top + height * (1 - value / most)

    yield f'<text x="{left}" y="24" font-weight="bold">{title}</text>'
    yield f'<path d="M{left} {top}V{top + height}H{left + width}" fill="none" stroke="#888"/>'
    for power in range(first, last + 1):
        x, y = place(10**power, 0)
        raised = f'<tspan dy="-5" font-size="9">{power}</tspan>'
        yield f'<text x="{x:.0f}" y="{y + 18:.0f}" text-anchor="middle">10{raised}</text>'
    yield f'<text x="{left + width / 2:.0f}" y="{top + height + 40}" text-anchor="middle">rows</text>'
    corners = [place(*point) for point in points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    yield f'<polyline points="{line}" fill="none" stroke="#1f77b4" stroke-width="2"/>'
    for (x, y), (_, value) in zip(corners, points, strict=True):
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#1f77b4"/>'
        yield f'<text x="{x:.1f}" y="{y - 10:.1f}" text-anchor="middle">{value:,.0f}</text>'


def _median(runs: Runs, key: str) -> float:
    return statistics.median(run[key] for run in runs)


def _nanoseconds(runs: Runs) -> float:
    return statistics.median(run["job_cpu"] / max(run["rows"], 1) * 1e9 for run in runs)


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.1f}" if number >= 10 else f"{number:.2f}"
