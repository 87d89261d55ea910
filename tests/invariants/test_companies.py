"""P2 to P6 and P8 hold for companies that have every kind of row, reference and process at once."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from companies import Company, companies_in_time, ordinary_companies
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from seedbed.engine.batches import ALONE
from seedbed.engine.world import World
from seedbed.plan.resolved import Given, ResolvedPlan, ResolvedTable
from seedbed.schema import Column
from worlds import make, resolve_text

CURRENCIES = 'code,name,note\n"EUR","euro, the",\nUSD,"the ""buck""",x\n\nSEK,krona,\n007,bond,y\n'
LATER = [None, dt.date(2026, 2, 14), dt.date(2026, 12, 31)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("seeds")
    (path / "currencies.csv").write_text(CURRENCIES, encoding="utf-8")
    return path


def few(examples: int) -> settings:
    checks = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
    phases = (Phase.reuse, Phase.generate)  # A company that shrinks tells no more than one that does not.
    return settings(max_examples=examples, deadline=None, suppress_health_check=checks, phases=phases)


def some_company(data: st.DataObject, folder: Path) -> Company:
    return data.draw(st.one_of(companies_in_time(), ordinary_companies(folder)))


def everything(resolved: ResolvedPlan, **options: Any) -> dict[str, pa.Table]:
    """All rows of all tables, written or not."""
    world = World(resolved)
    return {table.name: make(resolved, table.name, world=world, **options) for table in resolved}


def made(company: Company, **options: object) -> dict[str, pa.Table]:
    return everything(resolve_text(company.schema, company.plan, **options))


@few(12)
@given(st.data(), st.sampled_from([9, 64, 100, 1000]), st.booleans())
def test_batches_workers_and_selection_change_nothing(folder, elsewhere, data, batch_rows, away):
    workers = elsewhere if away else ALONE
    company = some_company(data, folder)
    whole = made(company, scale=2)
    chosen = data.draw(st.sampled_from([table.name for table in company.tables]))
    selected = resolve_text(company.schema, company.plan, scale=2, select={chosen})
    for name, rows in everything(selected, batch_rows=batch_rows, workers=workers).items():
        assert rows == whole[name], name


@few(8)
@given(st.data(), st.randoms(use_true_random=False))
def test_order_and_more_columns_change_nothing(folder, data, chance):
    company = some_company(data, folder)
    before = made(company)
    chance.shuffle(company.tables)
    for position, table in enumerate(company.tables):
        if table.data_file is None:
            columns = list(table.columns)
            columns.insert(chance.randrange(len(columns) + 1), Column("added"))
            company.tables[position] = replace(table, columns=tuple(columns))
            company.entries[table.name]["columns"]["added"] = "integer(1, 9)"
    company.add("another", 5, {"id": ("integer", "sequence()")})
    after = made(company)
    for name, rows in before.items():
        kept = after[name]
        assert (kept.drop_columns(["added"]) if "added" in kept.column_names else kept) == rows


@few(10)
@given(st.data(), st.lists(st.sampled_from([1, 2, 3, 5]), min_size=2, max_size=2, unique=True))
def test_a_larger_run_begins_with_the_smaller_one(folder, data, scales):
    company = some_company(data, folder)
    small, large = (made(company, scale=scale) for scale in sorted(scales))
    for name, rows in small.items():
        assert len(large[name]) >= len(rows)
        assert large[name].slice(0, len(rows)) == rows, name


@few(10)
@given(companies_in_time())
def test_a_later_date_changes_only_what_is_open(company):
    runs = [resolve_text(company.schema, company.plan, **({"as_of": day} if day else {})) for day in LATER]
    tables = [everything(run) for run in runs]
    for (earlier, later), run in zip(pairwise(tables), runs, strict=False):
        for name, rows in earlier.items():
            key = run.table(name).promises.primary_key
            now = {tuple(row[part] for part in key): row for row in later[name].to_pylist()}
            for row in rows.to_pylist():
                after = now[tuple(row[part] for part in key)]
                changed = {column for column, value in row.items() if after[column] != value}
                assert changed <= company.changing.get(name, set()), (name, row, after)
                if name in ("statuses", "cases") and _closed(row):
                    assert after == row


def _closed(row: dict[str, object]) -> bool:
    return row.get("current") is False or row.get("closed") is not None


@few(12)
@given(st.data(), st.sampled_from([1, 1.5, 4]), st.sampled_from(LATER))
def test_promises_hold(folder, data, scale, as_of):
    company = some_company(data, folder)
    options = {"as_of": as_of} if as_of and company.tables[0].name == "days" else {}
    resolved = resolve_text(company.schema, company.plan, scale=scale, **options)
    tables = everything(resolved)
    rows = {name: table.to_pylist() for name, table in tables.items()}
    for table in resolved:
        if not isinstance(table.rows, Given):
            assert_promises(table, rows)
            assert_legal(resolved, table, rows)
    assert_one_truth(rows)
    if "shops" in rows:
        assert_ordinary(rows)


def assert_promises(table: ResolvedTable, rows: dict[str, list[dict]]) -> None:
    """P4, and what the schema says of values."""
    own, promises = rows[table.name], table.promises
    for key in (promises.primary_key, *promises.unique):
        values = [tuple(row[part] for part in key) for row in own]
        assert len({value for value in values if None not in value}) == len(values), (table.name, key)
    for name in promises.not_null:
        assert all(row[name] is not None for row in own)
    for promise in promises.foreign_keys:
        present = [tuple(row[name] for name in promise.columns) for row in own]
        known = [tuple(row[name] for name in promise.parent_columns) for row in rows[promise.parent]]
        full = [value for value in present if None not in value]
        assert set(full) <= set(known), (table.name, promise)
        assert promise.nullable or len(full) == len(present), (table.name, promise)
        children = Counter(full)
        assert all(children[value] >= promise.children.minimum for value in known), (table.name, promise)
        if promise.children.maximum is not None:
            assert all(children[value] <= promise.children.maximum for value in known), (table.name, promise)
    for determinant, dependent in promises.functional_dependencies:
        pairs = {tuple(row[name] for name in (*determinant, *dependent)) for row in own}
        assert len(pairs) == len({pair[: len(determinant)] for pair in pairs}), (table.name, dependent)
    if any("paid" in item.needs for item in promises.predicates):
        assert all(row["paid"] is None or row["paid"] <= row["amount"] for row in own)


def instant(value: object) -> dt.datetime:
    """A date, a moment or the key of a day as a moment."""
    if isinstance(value, int):
        value = dt.date(value // 10000, value // 100 % 100, value % 100)
    assert isinstance(value, dt.date)
    return value if isinstance(value, dt.datetime) else dt.datetime(value.year, value.month, value.day)


def assert_legal(resolved: ResolvedPlan, table: ResolvedTable, rows: dict[str, list[dict]]) -> None:
    """P5, from the written columns alone."""
    history = table.promises.history
    if history is None:
        return
    walks: dict[tuple, list[dict]] = defaultdict(list)
    for row in rows[table.name]:
        walks[tuple(row[name] for name in history.entity)].append(row)
    for walk in walks.values():
        starts = [instant(row[history.valid_from]) for row in walk]
        assert all(before < after for before, after in pairwise(starts))
        assert starts[-1].date() <= resolved.as_of
        states = [row[history.state] for row in walk]
        assert states[0] in history.initial
        assert all(after in history.allowed[before] for before, after in pairwise(states))
        assert history.revisit or len(set(states)) == len(states)
        if history.current:
            assert [row[history.current] for row in walk] == [False] * (len(walk) - 1) + [True]
        if history.version:
            assert [row[history.version] for row in walk] == list(range(1, len(walk) + 1))
        if history.valid_to:
            assert [row[history.valid_to] for row in walk[:-1]] == [row[history.valid_from] for row in walk[1:]]
            last = walk[-1][history.valid_to]
            assert (last is None) == (history.open_end is None)
            assert last is None or instant(last).date() >= dt.date(2026, 12, 31)


def assert_one_truth(rows: dict[str, list[dict]]) -> None:
    """P6: entity, history and facts agree."""
    if "cases" not in rows:
        return
    cases = {case["id"]: case for case in rows["cases"]}
    walks: dict[object, list[dict]] = defaultdict(list)
    for row in rows.get("statuses", ()):
        walks[row["case_id"]].append(row)
    for number, case in cases.items():
        assert case["opened"] is not None
        assert case["closed"] is None or instant(case["opened"]) <= instant(case["closed"])
        if walks:
            walk = walks[number]
            assert case["opened"] == walk[0]["valid_from"]
            assert (case["status"], case["versions"]) == (walk[-1]["status"], len(walk))
            assert instant(case["entered"]) == instant(walk[-1]["valid_from"])
            assert case["closed"] in (None, walk[-1]["valid_from"])
    for table, moment in (("facts", "happened"), ("calls", "at")):
        for row in rows[table]:
            if row["case_id"] is None:
                assert row.get("status_id") is None
                continue
            case = cases[row["case_id"]]
            at, day = instant(row[moment]), dt.timedelta(days=1)
            only_day = not isinstance(row[moment], dt.datetime)
            assert (at.date() if only_day else at) >= (
                instant(case["opened"]).date() if only_day else instant(case["opened"])
            )
            assert case["closed"] is None or at <= instant(case["closed"]) + day
            if not walks:
                continue
            walk = walks[row["case_id"]]
            named = [
                version
                for version, following in zip(walk, [*walk[1:], None], strict=True)
                if instant(version["valid_from"]) <= at and (following is None or at < instant(following["valid_from"]))
            ]
            if only_day and isinstance(walk[0]["valid_from"], dt.datetime):
                assert row["status_id"] in {version["id"] for version in walk}  # One of that day's.
            else:
                assert [version["id"] for version in named] == [row["status_id"]]
    facts = {fact["id"]: fact for fact in rows["facts"]}
    answers = Counter(reply["fact_id"] for reply in rows["replies"])
    assert all(fact["answers"] == answers[number] for number, fact in facts.items())
    for reply in rows["replies"]:
        fact = facts[reply["fact_id"]]
        assert fact["amount"] > 20
        assert reply["person_id"] == fact["person_id"]
        assert reply["case_id"] == fact["case_id"]
        assert reply["priority"] == fact["priority"]
        assert instant(reply["sent"]) > instant(fact["happened"])


def assert_ordinary(rows: dict[str, list[dict]]) -> None:
    by_key = {name: {row.get("id"): row for row in listed} for name, listed in rows.items()}
    sold, takings, last = Counter(), Counter(), defaultdict(list)
    for sale in rows["sales"]:
        shop = by_key["shops"][sale["shop_id"]]
        assert sale["region_id"] == shop["region_id"]
        assert sale["region"] == by_key["regions"][shop["region_id"]]["name"]
        assert (sale["paid"] is not None) == (sale["price"] > 90)
        assert sale["paid"] is None or sale["paid"] > sale["day"]
        assert sale["currency"] in (None, "EUR", "USD", "SEK", "007")
        sold[shop["id"]] += 1
        takings[shop["id"]] += sale["price"]
        last[shop["id"]].append(sale["day"])
    for shop in rows["shops"]:
        assert shop["rent"] <= shop["size"]
        assert (shop["sold"], shop["takings"]) == (sold[shop["id"]], takings[shop["id"]])
        assert shop["last"] == max(last[shop["id"]], default=None)
    for person in rows["staff"]:
        boss = by_key["staff"].get(person["boss_id"])
        assert person["boss"] == (boss["name"] if boss else None)
        assert person["level"] == (boss["level"] + 1 if boss else 1)
    for visit in rows["visits"]:
        assert (visit["region_id"] is None) == (visit["site"] is None)
        assert (visit["mood"] is not None) == (visit["site"] is not None and visit["site"] > 5)
    assert [row["name"] for row in rows["currencies"]] == ["euro, the", 'the "buck"', "krona", "bond"]
    assert [row["note"] for row in rows["currencies"]] == [None, "x", None, "y"]


@few(10)
@given(st.data(), st.randoms(use_true_random=False))
def test_any_rows_can_be_made_alone(folder, data, chance):
    company = some_company(data, folder)
    resolved = resolve_text(company.schema, company.plan, scale=2)
    world, whole = World(resolved), everything(resolved)
    for table in resolved:
        count = world.rows(world.root(table))
        frame = world.frames(table, 0, count)
        assert len(frame) == len(whole[table.name])
        if not len(frame):
            continue
        chosen = np.array([chance.randrange(len(frame)) for _ in range(20)])
        picked = pa.Table.from_batches([world.pick(table, frame.numbers[chosen]).batch()])
        assert picked.to_pydict() == whole[table.name].take(pa.array(chosen)).to_pydict()
        if world.is_dense(table):
            assert frame.numbers.tolist() == list(range(world.rows(table)))
