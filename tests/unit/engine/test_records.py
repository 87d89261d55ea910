"""Rows that come late, rows that are deleted, and columns that say when a row last changed."""

import datetime as dt

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from seedbed.engine.extracts import extract_batches
from seedbed.engine.frames import schema_of
from seedbed.plan.extracts import take_extract
from seedbed.plan.resolved import Form, ResolvedPlan
from worlds import AS_OF, make, resolve_text, schema_from, seeds, try_resolve

SHOP = seeds(
    customers="id integer unique, country varchar, created_at timestamp, updated_at timestamp",
    orders="id integer unique, customer_id integer, status varchar, placed_at timestamp, closed_at timestamp, "
    "country varchar, paid decimal(12,2), updated_at timestamp, loaded_at timestamp, is_deleted boolean",
    payments="id integer unique, order_id integer, paid_at timestamp, amount decimal(10,2), status varchar, "
    "updated_at timestamp, loaded_at timestamp",
    shipments="id integer unique, ordered date, shipped date, arrived date, updated_at timestamp",
)
PLAN = """
tables:
  customers:
    rows: 30
    columns:
      id: sequence()
      country: choice(['DE', 'SE'])
      created_at: timestamp('2024-01-01', '2025-06-30')
      updated_at: changed_at('created_at')
  orders:
    rows: 80
    lifecycle:
      initial: open
      transitions: {open: {paid: 0.8, dropped: 0.2}, paid: {done: 1}}
      dwell: {open: 30d, paid: 60d}
    deletes: {share: 0.3, delay: 90d}
    columns:
      id: sequence()
      customer_id: foreign_key('customers')
      status: lifecycle('orders', 'state')
      placed_at: lifecycle('orders', 'started')
      closed_at: lifecycle('orders', 'ended')
      country: copy('customer_id.country')
      paid: rollup('payments', 'sum', 'amount')
      updated_at: changed_at()
      loaded_at: loaded_at()
      is_deleted: is_deleted()
  payments:
    rows: per orders, poisson(mean=3)
    arrives: {share: 0.4, delay: lognormal(median='60d')}
    columns:
      id: sequence()
      order_id: foreign_key('orders')
      paid_at: during('orders')
      amount: uniform(1, 100)
      status: copy('order_id.status')
      updated_at: changed_at()
      loaded_at: loaded_at()
  shipments:
    rows: 200
    arrives: {of: ordered}
    deletes: {share: 0.5, delay: 100d}
    columns:
      id: sequence()
      ordered: date('2025-01-01', '2026-06-30')
      shipped: after('ordered', median='5d', known=true)
      arrived: after('shipped', median='9d', known=true)
      updated_at: changed_at()
"""
DAYS = [AS_OF + dt.timedelta(days=days) for days in (0, 1, 9, 60)]


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    return schema_from(tmp_path_factory.mktemp("shop"), SHOP)


@pytest.fixture(scope="module")
def states(schema) -> dict[dt.date, dict[str, pa.Table]]:
    """Every table at every day."""
    plans = {day: resolve_text(schema, PLAN, as_of=day) for day in DAYS}
    return {day: {table.name: make(plan, table.name) for table in plan} for day, plan in plans.items()}


def rows_of(table: pa.Table) -> dict[int, dict[str, object]]:
    return {row["id"]: row for row in table.to_pylist()}


def extract(resolved: ResolvedPlan, name: str, form: Form, since: dt.date) -> pa.Table:
    plan = take_extract(resolved, form, since)
    return pa.Table.from_batches(extract_batches(plan, plan.table(name)), schema_of(plan.table(name)))


def after(table: pa.Table, column: str, day: dt.date) -> set[int]:
    """The keys of the rows whose `column` lies after a day."""
    night = dt.datetime.combine(day + dt.timedelta(days=1), dt.time())
    return set(table.filter(pc.greater_equal(table[column], night))["id"].to_pylist())


@pytest.mark.parametrize("since", DAYS[:-1])
@pytest.mark.parametrize(
    ("name", "column"), [("customers", "updated_at"), ("orders", "updated_at"), ("orders", "loaded_at"),
                         ("payments", "loaded_at"), ("shipments", "updated_at")]
)  # fmt: skip
def test_exactly_the_rows_that_changed_say_so(schema, states, since, name, column):
    for day in DAYS[DAYS.index(since) + 1 :]:
        before, now = rows_of(states[since][name]), rows_of(states[day][name])
        changed = {key for key, row in now.items() if before.get(key) != row}
        assert after(states[day][name], column, since) == changed
        delta = extract(resolve_text(schema, PLAN, as_of=day), name, Form.DELTA, since)
        assert rows_of(delta) == {key: row for key, row in now.items() if key in changed}
    assert name == "customers" or changed


def test_no_row_has_changed_after_the_as_of_date(states):
    for day, tables in states.items():
        for name, table in tables.items():
            assert not after(table, "updated_at", day), name


def test_late_rows_happened_before_the_day_after_which_they_come(states):
    first, last = states[DAYS[0]]["payments"], states[DAYS[2]]["payments"]
    new = last.filter(pc.invert(pc.is_in(last["id"], first["id"].combine_chunks())))
    late = new.filter(pc.less(new["paid_at"], dt.datetime(2026, 1, 1)))
    assert 0 < len(late) < len(new)
    # In the source they are as old as they are; only who reads them sees them late.
    assert pc.all(pc.greater(late["loaded_at"], late["paid_at"])).as_py()
    on_time = pc.equal(last["loaded_at"], last["updated_at"])
    assert 0.5 < pc.mean(on_time.cast(pa.int8())).as_py() < 0.95


def test_the_parent_adds_up_the_rows_that_are_there(states):
    for tables in states.values():
        paid = tables["payments"].group_by("order_id").aggregate([("amount", "sum")]).to_pylist()
        sums = {row["order_id"]: row["amount_sum"] for row in paid}
        assert {row["id"]: row["paid"] for row in tables["orders"].to_pylist() if row["paid"]} == sums


def test_deletes_are_marked_once_and_for_all_and_change_nothing_else(schema, states):
    without = PLAN.replace("    deletes: {share: 0.3, delay: 90d}\n", "").replace(
        "is_deleted: is_deleted()", "is_deleted: constant(false)"
    )
    plain = resolve_text(schema, without, as_of=DAYS[-1])
    marked: set[int] = set()
    for tables in states.values():
        now = {key for key, row in rows_of(tables["orders"]).items() if row["is_deleted"]}
        assert marked <= now
        marked = now
    assert 10 < len(marked) < 40
    shown = ["id", "status", "placed_at", "paid"]
    assert make(plain, "orders").select(shown) == states[DAYS[-1]]["orders"].select(shown)
    assert make(plain, "payments").drop_columns(["updated_at", "loaded_at"]) == states[DAYS[-1]][
        "payments"
    ].drop_columns(["updated_at", "loaded_at"])


def test_rows_without_a_mark_are_removed_and_only_a_feed_tells(schema, states):
    since, day = DAYS[0], DAYS[-1]
    before, now = rows_of(states[since]["shipments"]), rows_of(states[day]["shipments"])
    resolved = resolve_text(schema, PLAN, as_of=day)
    gone = before.keys() - now.keys()
    assert gone
    feed = extract(resolved, "shipments", Form.FEED, since).to_pylist()
    for row in feed:
        if row["_op"] == "delete":
            before.pop(row["id"])
        else:
            assert (row["id"] in before) == (row["_op"] == "update")
            before[row["id"]] = {name: row[name] for name in now[min(now)]}
    assert before == now
    assert gone <= {row["id"] for row in feed if row["_op"] == "delete"}
    assert not gone & set(extract(resolved, "shipments", Form.DELTA, since)["id"].to_pylist())


def test_rows_do_not_exist_before_they_happen(states):
    for day, tables in states.items():
        assert max(tables["shipments"]["ordered"].to_pylist()) <= day
    assert len(states[DAYS[-1]]["shipments"]) != len(states[DAYS[0]]["shipments"])


def test_two_plans_with_and_without_late_rows_agree_on_every_other_table(schema, states):
    plain = resolve_text(schema, PLAN.replace("    arrives: {share: 0.4, delay: lognormal(median='60d')}\n", ""))
    for name in ("customers", "shipments"):
        assert make(plain, name) == states[DAYS[0]][name]
    everything, punctual = make(plain, "payments"), states[DAYS[0]]["payments"]
    assert set(punctual["id"].to_pylist()) < set(everything["id"].to_pylist())


REMOVED = "customers:\n    rows: 30\n    deletes: {of: created_at, share: 0.1, delay: 9d}"
AGAIN = "shipped: after('updated_at', median='5d', known=true)"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("arrives: {of: ordered}", "arrives: {share: 0.1, delay: 1d}", "no-moment"),
        ("arrives: {of: ordered}", "arrives: {of: orderd}", "unknown-column"),
        ("arrives: {of: ordered}", "arrives: {of: updated_at}", "no-moment"),
        ("deletes: {share: 0.3, delay: 90d}", "", "no-deletes"),
        ("is_deleted: is_deleted()", "is_deleted: constant(true)", "sums-removed"),
        ("customers:\n    rows: 30", REMOVED, "leads-to-removed"),
        ("shipped: after('ordered', median='5d', known=true)", AGAIN, "circle"),
    ],
)
def test_what_cannot_be_is_refused(schema, old, new, code):
    assert old in PLAN
    plan = PLAN.replace(old, new)
    if code == "sums-removed":
        plan = plan.replace("arrives: {share: 0.4", "deletes: {share: 0.1, delay: 1d}\n    arrives: {share: 0.4")
    resolved, found = try_resolve(schema, plan)
    assert resolved is None
    assert code in {item.code for item in found}, found


@pytest.mark.parametrize("condition", ["status = 'paid'", "settled", "status <> 'open' and id > 3"])
def test_rows_that_hang_on_a_state_keep_their_keys_as_it_changes(tmp_path, condition):
    schema = schema_from(
        tmp_path,
        seeds(
            orders="id integer unique, status varchar, settled boolean", receipts="id integer unique, order_id integer"
        ),
    )
    plan = f"""
    tables:
      orders:
        rows: 60
        lifecycle: {{initial: open, transitions: {{open: {{paid: 1}}, paid: {{done: 1}}}}, dwell: 90d}}
        columns:
          id: sequence()
          status: lifecycle('orders', 'state')
          settled: sql("status in ('paid', 'done')")
      receipts:
        rows: per orders where {condition}, poisson(mean=2)
        columns: {{id: sequence(), order_id: foreign_key('orders')}}
    """
    owners: dict[int, int] = {}
    counts = set()
    for day in DAYS:
        rows = rows_of(make(resolve_text(schema, plan, as_of=day), "receipts"))
        counts.add(len(rows))
        for key, row in rows.items():
            assert owners.setdefault(key, row["order_id"]) == row["order_id"]
    assert len(counts) > 1
