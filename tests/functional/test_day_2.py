"""Later runs of one project, by the commands: whole states, deltas and feeds, and what `check` makes of them."""

import csv
import datetime as dt
import json
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

import seedbed
from seedbed.cli import main
from worlds import write_project

PROJECT = {
    "seeds/_seeds.yml": """
        seeds:
          - name: customers
            columns:
              - {name: customer_id, data_type: integer, data_tests: [unique, not_null]}
              - {name: name, data_type: varchar}
          - name: orders
            columns:
              - {name: order_id, data_type: integer, data_tests: [unique, not_null]}
              - name: customer_id
                data_type: integer
                data_tests:
                  - relationships: {arguments: {to: ref('customers'), field: customer_id}}
              - name: status
                data_type: varchar
                data_tests:
                  - accepted_values: {arguments: {values: [placed, shipped, delivered]}}
              - {name: placed_at, data_type: timestamp, data_tests: [not_null]}
              - {name: delivered_at, data_type: timestamp}
        """,
    "seedbed.yml": """
        version: 1
        random_seed: 5
        start: 2026-01-01
        as_of: 2026-03-31
        tables:
          customers:
            rows: 20
            columns: {customer_id: sequence(), name: fake('full_name')}
          orders:
            rows: 60
            lifecycle:
              initial: placed
              transitions: {placed: {shipped: 1}, shipped: {delivered: 1}}
              dwell: {placed: 2d, shipped: 3d}
            columns:
              order_id: sequence()
              customer_id: foreign_key('customers')
              status: lifecycle('orders', 'state')
              placed_at: lifecycle('orders', 'started')
              delivered_at: lifecycle('orders', 'ended')
        """,
}
DAY_1, DAY_2, DAY_3 = "2026-03-31", "2026-04-03", "2026-04-06"


def run(folder: Path, *arguments: str, fails: bool = False) -> str:
    done = CliRunner().invoke(main, [*arguments, "--project-dir", str(folder)], catch_exceptions=False)
    assert done.exit_code == fails, done.output
    return done.output


@pytest.fixture
def shop(tmp_path):
    return write_project(tmp_path / "shop", PROJECT)


def rows(shop: Path, table: str) -> list[dict[str, str]]:
    with (shop / "seeds" / f"{table}.csv").open(newline="") as lines:
        return list(csv.DictReader(lines))


def by_key(found: list[dict[str, str]]) -> dict[str, dict[str, str]]:
    return {row["order_id"]: row for row in found}


def test_a_delta_holds_what_changed_and_check_knows_that_it_is_one(shop):
    run(shop, "generate")
    first = by_key(rows(shop, "orders"))
    run(shop, "generate", "--as-of", DAY_2)
    second = by_key(rows(shop, "orders"))
    run(shop, "generate", "--as-of", DAY_2, "--since", DAY_1)
    delta = by_key(rows(shop, "orders"))
    assert delta == {key: row for key, row in second.items() if first.get(key) != row}
    assert 0 < len(delta) < len(second)
    assert rows(shop, "customers") == []
    # The parents of its rows are not there, which is not a broken promise.
    assert "promises hold" in run(shop, "check")
    run(shop, "check", "--as-of", DAY_2, fails=True)


def test_a_feed_leads_from_the_first_day_to_the_last_and_check_knows_it(shop):
    run(shop, "generate")
    state = by_key(rows(shop, "orders"))
    run(shop, "generate", "--as-of", DAY_3)
    last = by_key(rows(shop, "orders"))
    run(shop, "generate", "--as-of", DAY_3, "--since", DAY_1, "--changes", "feed")
    feed = rows(shop, "orders")
    assert len({row["_sequence"] for row in feed}) == len(feed) > len(by_key(feed))
    for row in sorted(feed, key=lambda row: int(row["_sequence"])):
        assert row["_op"] == ("update" if row["order_id"] in state else "insert")
        assert row["_changed_at"] > DAY_1
        state[row["order_id"]] = {name: row[name] for name in last[row["order_id"]]}
    assert state == last
    assert "promises hold" in run(shop, "check")


def test_check_takes_the_dates_that_the_seeds_were_written_with(shop):
    run(shop, "generate", "--as-of", DAY_2)
    assert "promises hold" in run(shop, "check")
    # A plan whose own date was put later is what counts: the seeds are no longer its.
    plan = shop / "seedbed.yml"
    plan.write_text(plan.read_text().replace("as_of: 2026-03-31", "as_of: 2026-05-31"))
    run(shop, "check")


def test_a_run_that_goes_back_or_leaves_a_gap_says_so(shop):
    run(shop, "generate", "--as-of", DAY_2)
    assert "held the state as of 2026-04-03; this run goes back to 2026-03-31" in run(shop, "generate")
    output = run(shop, "generate", "--as-of", DAY_3, "--since", DAY_2)
    assert "what changed until 2026-04-03 is not told" in output
    assert "as-of" not in run(shop, "generate", "--as-of", DAY_3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--since", DAY_1], "changes since 2026-03-31 are asked for"),
        (["--since", "2026-01-01", "--as-of", DAY_2], "from the plan's as-of date 2026-03-31 on"),
        (["--changes", "delta"], "not since when"),
    ],
)
def test_dates_that_do_not_fit_are_refused(shop, options, said):
    assert said in " ".join(run(shop, "generate", *options, fails=True).split())
    assert not (shop / "seeds" / "orders.csv").exists()


def test_a_column_that_a_feed_adds_is_not_taken_twice(shop):
    properties = shop / "seeds" / "_seeds.yml"
    properties.write_text(properties.read_text().replace("delivered_at", "_op"))
    plan = shop / "seedbed.yml"
    plan.write_text(plan.read_text().replace("delivered_at: lifecycle", "_op: lifecycle"))
    assert "orders has a column _op" in run(shop, "generate", "--changes", "feed", fails=True)
    run(shop, "generate")


def test_parquet_and_a_feed_from_the_beginning(shop):
    run(shop, "generate", "--format", "parquet", "--select", "orders", "--output", "feed", "--changes", "feed")
    told = duckdb.sql(
        f"select count(*), count(distinct _sequence), min(_op), max(_op) from '{shop}/feed/orders.parquet'"
    )
    assert told.fetchall() == [(60, 60, "insert", "insert")]
    manifest = json.loads((shop / "feed" / ".seedbed.manifest").read_text())
    assert (manifest["as_of"], manifest["changes"]) == (DAY_1, "feed")
    assert "since" not in manifest


def test_planning_again_keeps_what_is_said_of_late_and_deleted_rows(shop):
    plan = shop / "seedbed.yml"
    said = "    arrives: {share: 0.1, delay: {lognormal: {median: 2d, sigma: 0.5}}}\n"
    said += "    deletes: {share: 0.2, delay: {exponential: {mean: 30d}}, of: placed_at}\n"
    plan.write_text(plan.read_text().replace("    rows: 60\n", f"    rows: 60\n{said}"))
    run(shop, "generate")
    before = (shop / "seeds" / "orders.csv").read_bytes()
    run(shop, "plan")
    run(shop, "generate")
    assert (shop / "seeds" / "orders.csv").read_bytes() == before
    assert said in plan.read_text()
    assert len(rows(shop, "orders")) < 60


TICKETS = """
    seeds:
      - name: tickets
        config:
          meta:
            seedbed:
              rows: 800
              lifecycle: {initial: open, transitions: {open: {solved: 1}}, dwell: 20d}
        columns:
          - {name: ticket_id, data_type: integer, data_tests: [unique, not_null]}
          - {name: status, data_type: varchar}
          - {name: opened_at, data_type: timestamp}
          - {name: solved_at, data_type: timestamp}
          - {name: updated_at, data_type: timestamp}
    """


def test_without_a_plan_updated_at_tells_that_the_lifecycle_went_on(tmp_path):
    schema = seedbed.read(write_project(tmp_path, {"seeds/_seeds.yml": TICKETS}))
    plan = seedbed.author(schema, today=dt.date(2026, 4, 15))
    first, later = plan.plan.as_of, plan.plan.as_of + dt.timedelta(days=30)
    (delta,) = seedbed.generate_arrow(plan, as_of=later, since=first).values()
    moments = delta["updated_at"].to_pylist()
    assert all(first < moment.date() <= later for moment in moments)
    whole = seedbed.generate_arrow(plan, as_of=later)["tickets"]
    assert len(moments) == sum(moment.date() > first for moment in whole["updated_at"].to_pylist()) > 10
    (feed,) = seedbed.generate(plan, as_of=later, since=first, changes="feed").values()
    assert set(feed["_op"]) == {"insert", "update"}
