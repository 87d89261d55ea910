"""A million cases with their status histories to CSV, against writing the same rows ready-made.

`python benchmarks/histories_to_csv.py [CASES]` runs both in turn, each in a process of its own, five rounds after
a warm-up, and prints medians of CPU seconds, their ratio, and the peak memory. A second line with a quarter of
the cases shows whether memory grows with rows.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from seedbed.documents import read_yaml
from seedbed.engine.batches import generate_batches, schema_of
from seedbed.engine.world import World
from seedbed.parsers import read_schema
from seedbed.plan.resolve import resolve
from seedbed.plan.resolved import ResolvedPlan
from seedbed.plan.spec import Plan
from seedbed.sinks.seeds import CsvSink

ROUNDS = 5
TABLE = "case_status_dim"
PROPERTIES = """
seeds:
  - name: case_dim
    columns: [{name: case_sk, data_type: integer, data_tests: [unique]}]
  - name: case_status_dim
    config:
      meta:
        seedbed:
          history:
            entity: case_sk
            state: case_status
            valid_from: start_date
            valid_to: end_date
            current: is_current
            states: [received, triaged, in progress, awaiting information, decided, closed]
            matrix:
              - [0, 0.85, 0.1, 0, 0, 0.05]
              - [0, 0, 0.8, 0.15, 0, 0.05]
              - [0, 0, 0, 0.35, 0.6, 0.05]
              - [0, 0, 0.7, 0, 0.1, 0.2]
              - [0, 0, 0, 0, 0, 1]
              - [0, 0, 0, 0, 0, 0]
            dwell: {default: {lognormal: {median: 5d, sigma: 0.8}}}
    columns:
      - {name: case_status_sk, data_type: bigint, data_tests: [unique]}
      - {name: case_sk, data_type: integer}
      - {name: case_status, data_type: varchar}
      - {name: start_date, data_type: date}
      - {name: end_date, data_type: date}
      - {name: is_current, data_type: boolean}
"""
PLAN = """
version: 1
start: 2020-01-01
as_of: 2025-12-31
tables:
  case_dim: {{rows: {cases}, columns: {{case_sk: sequence()}}}}
  case_status_dim: {{columns: {{case_status_sk: sequence(), case_sk: foreign_key('case_dim')}}}}
"""


def plan_for(cases: int, folder: Path) -> ResolvedPlan:
    (folder / "seeds").mkdir(exist_ok=True)
    (folder / "dbt_project.yml").write_text("name: cases\nversion: '1'\n")
    (folder / "seeds" / "_seeds.yml").write_text(PROPERTIES)
    schema, _ = read_schema(folder)
    document = read_yaml(PLAN.format(cases=cases), "seedbed.yml", strict=True)
    resolved, diagnostics = resolve(schema, Plan.model_validate(document.value), document)
    assert resolved is not None, diagnostics
    return replace(resolved, tables=tuple(replace(table, written=table.name == TABLE) for table in resolved))


def run_seedbed(cases: int, folder: Path) -> dict[str, float]:
    """Generates and writes the seed, on one worker."""
    resolved = plan_for(cases, folder)
    begun = time.process_time()
    world, table = World(resolved), resolved.table(TABLE)
    with CsvSink(resolved) as sink:
        written = sink.write(table, schema_of(table), generate_batches(world, table))
        sink.commit()
    return {"seconds": time.process_time() - begun, "rows": written.rows}


def run_ready_made(cases: int, folder: Path) -> dict[str, float]:
    """Writes the same rows, in memory already, with pyarrow's writer at its best batch size."""
    resolved = plan_for(cases, folder)
    table = resolved.table(TABLE)
    rows = pa.Table.from_batches(generate_batches(World(resolved), table))
    begun = time.process_time()
    pyarrow.csv.write_csv(rows, folder / "ready.csv", pyarrow.csv.WriteOptions(batch_size=65_536))
    return {"seconds": time.process_time() - begun, "rows": len(rows)}


RUNS = {"seedbed": run_seedbed, "ready-made": run_ready_made}


def measured(name: str, cases: int) -> dict[str, float]:
    done = subprocess.run([sys.executable, __file__, name, str(cases)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main(cases: int) -> None:
    print(f"{cases:,} cases; pyarrow {pa.__version__}; CPU seconds, medians of {ROUNDS} rounds in turn")
    results: dict[str, list[dict[str, float]]] = {name: [] for name in RUNS}
    for round_ in range(ROUNDS + 1):
        for name in RUNS:
            found = measured(name, cases)
            if round_:
                results[name].append(found)
    ratios = [a["seconds"] / b["seconds"] for a, b in zip(*results.values(), strict=True)]
    for name, found in results.items():
        seconds = statistics.median(item["seconds"] for item in found)
        peak = statistics.median(item["megabytes"] for item in found)
        print(f"{name:12s} {found[0]['rows']:>12,.0f} rows {seconds:7.2f} s   peak {peak:6.0f} MB")
    print(f"ratio        {statistics.median(ratios):.2f}   (from {min(ratios):.2f} to {max(ratios):.2f})")
    print(f"peak memory with a quarter of the cases: {measured('seedbed', cases // 4)['megabytes']:.0f} MB")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        with tempfile.TemporaryDirectory() as folder:
            outcome = RUNS[sys.argv[1]](int(sys.argv[2]), Path(folder))
        outcome["megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(outcome))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
