"""P8 as an extract: what changed between two days, on top of the first day, is the second day."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
from companies import companies_in_time
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from seedbed.engine.batches import ALONE
from seedbed.engine.extracts import extract_batches
from seedbed.engine.frames import schema_of
from seedbed.engine.world import World
from seedbed.plan.extracts import CHANGED_AT, OP, SEQUENCE, take_extract
from seedbed.plan.resolved import Form, ResolvedPlan
from worlds import make, resolve_text

FIRST = dt.date(2025, 12, 31)
Rows = dict[tuple[object, ...], dict[str, Any]]
FEW = settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=(Phase.reuse, Phase.generate),
)


def keyed(resolved: ResolvedPlan, name: str, rows: list[dict[str, Any]]) -> Rows:
    """Rows by their key, or counted through where the table has none."""
    key = resolved.table(name).promises.primary_key
    found = {tuple(row[part] for part in key) or (place,): row for place, row in enumerate(rows)}
    assert len(found) == len(rows)
    return found


def extracted(resolved: ResolvedPlan, name: str, form: Form, since: dt.date | None, **options: Any) -> pa.Table:
    plan = take_extract(resolved, form, since)
    table = plan.table(name)
    return pa.Table.from_batches(extract_batches(plan, table, **options), schema_of(table))


@FEW
@given(companies_in_time(), st.integers(0, 40), st.integers(1, 400), st.sampled_from([9, 100, 1000]), st.booleans())
def test_the_first_state_and_the_delta_are_the_second_state(elsewhere, company, wait, gap, batch_rows, away):
    workers = elsewhere if away else ALONE
    since = FIRST + dt.timedelta(days=wait)
    earlier = resolve_text(company.schema, company.plan, as_of=since)
    later = resolve_text(company.schema, company.plan, as_of=since + dt.timedelta(days=gap))
    for table in company.tables:
        name = table.name
        before = keyed(earlier, name, make(earlier, name).to_pylist())
        after = keyed(later, name, make(later, name).to_pylist())
        delta = extracted(later, name, Form.DELTA, since, batch_rows=batch_rows, workers=workers).to_pylist()
        changed = keyed(later, name, delta)
        assert all(before.get(key) != row for key, row in changed.items()), name
        assert {**before, **changed} == after, name


@FEW
@given(companies_in_time(), st.integers(0, 40), st.integers(1, 12))
def test_a_feed_leads_day_by_day_from_one_state_to_the_other(company, wait, gap):
    since = FIRST + dt.timedelta(days=wait)
    days = [since + dt.timedelta(days=place) for place in range(gap + 1)]
    states = [resolve_text(company.schema, company.plan, as_of=day) for day in days]
    for table in company.tables:
        name = table.name
        feed = extracted(states[-1], name, Form.FEED, since, batch_rows=50).to_pylist()
        assert [row[SEQUENCE] for row in feed] == sorted({row[SEQUENCE] for row in feed})
        now = keyed(states[0], name, make(states[0], name).to_pylist())
        for day, state in zip(days[1:], states[1:], strict=True):
            for row in feed:
                if row[CHANGED_AT].date() == day:
                    operation, key = row[OP], tuple(row[part] for part in state.table(name).promises.primary_key)
                    assert operation == ("update" if key in now else "insert"), (name, row)
                    now[key] = {column: row[column] for column in table.column_names}
            # The moment of a change says in which day's extract it comes.
            assert now == keyed(state, name, make(state, name).to_pylist()), (name, day)


@FEW
@given(companies_in_time())
def test_a_feed_without_a_beginning_has_every_row_once(elsewhere, company):
    state = resolve_text(company.schema, company.plan)
    world = World(state)
    for table in company.tables:
        feed = extracted(state, table.name, Form.FEED, None, batch_rows=20, workers=elsewhere)
        assert set(feed[OP].to_pylist()) <= {"insert"}
        assert feed.select(table.column_names) == make(state, table.name, world=world)
