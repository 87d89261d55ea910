"""The laws of the engine hold for schemas that nobody thought of: same bytes, growth, keys, relationships."""

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seedbed.engine.batches import ALONE
from seedbed.engine.world import World
from seedbed.schema import Column, DataType, Fact, ForeignKey, Project, Resource, Schema, Table, TypeKind
from worlds import make, resolve_text

KINDS = {
    "integer(1, 50)": "integer",
    "lognormal(100, 0.5)": "decimal(12,2)",
    "choice({'a': 3, 'b': 1}, null=0.2)": "varchar",
    "boolean(0.3)": "boolean",
    "date('2024-01-01', '2025-12-31')": "date",
    "timestamp('2024-01-01', '2025-12-31', hours='business')": "timestamp",
    "fake('full_name')": "varchar",
    "fake('city')": "varchar",
    "normal(10, 2)": "decimal(12,2)",
    "pattern('X-{n:05}-{LETTERS:2}')": "varchar",
    "uuid()": "varchar",
}
KEYS = {
    "sequence()": "integer",
    "sequence(1000, 7)": "integer",
    "uuid()": "varchar",
    "pattern('K{shuffled:06}')": "varchar",
}


@dataclass
class Drawn:
    """A drawn table: the text of its plan, and what is to be true of it."""

    name: str
    rows: str
    columns: dict[str, str]
    varies: dict[str, str] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    minimum: int = 0
    maximum: int | None = None
    bridge: tuple[str, ...] = ()

    @property
    def plan(self) -> str:
        lines = [f"  {self.name}:", f'    rows: "{self.rows}"', "    columns:"]
        for name, generator in self.columns.items():
            by = f", varies_by: {self.varies[name]}" if name in self.varies else ""
            lines.append(f'      {name}: {{generator: "{generator}"{by}}}')
        return "\n".join(lines)


@st.composite
def worlds(draw: st.DrawFn) -> list[Drawn]:
    """Tables in an order in which each refers to earlier ones only."""
    tables: list[Drawn] = []
    for number in range(draw(st.integers(2, 5))):
        name = f"t{number}"
        columns = {"id": draw(st.sampled_from(sorted(KEYS)))}
        table = Drawn(name, str(draw(st.integers(1, 60))), columns)
        if tables and draw(st.booleans()):
            driver = draw(st.sampled_from(tables))
            low = draw(st.integers(0, 2))
            high = low + draw(st.integers(0, 3))
            table.rows = f"per {driver.name}, integer({low}, {high})"
            table.minimum, table.maximum = low, high
            columns["driver"] = f"foreign_key('{driver.name}', 'id')"
            table.parents["driver"] = driver.name
            others = [other for other in tables if other.name != driver.name and other.rows.isdigit()]
            wide = [other for other in others if int(other.rows) >= high]
            if wide and draw(st.booleans()):
                other = draw(st.sampled_from(wide))
                columns["other"] = f"foreign_key('{other.name}', 'id', distinct=true)"
                table.parents["other"] = other.name
                table.bridge = ("driver", "other")
        fixed = [other for other in tables if other.rows.isdigit()]
        if fixed and draw(st.booleans()):
            parent = draw(st.sampled_from(fixed))
            how = draw(st.sampled_from(["", ", zipf=1.1", ", null=0.3"]))
            columns["ref"] = f"foreign_key('{parent.name}', 'id'{how})"
            table.parents["ref"] = parent.name
            if draw(st.booleans()):
                columns["held"] = "integer(1, 1000)"
                table.varies["held"] = "ref"
        for index in range(draw(st.integers(0, 3))):
            columns[f"c{index}"] = draw(st.sampled_from(sorted(KINDS)))
        tables.append(table)
    return tables


def schema_for(tables: list[Drawn]) -> Schema:
    def column(name: str, generator: str, table: Drawn) -> Column:
        kind = KEYS.get(generator) or KINDS.get(generator) or "integer"
        is_key = name in table.parents
        data_type = None if is_key else Fact(_TYPES[kind])
        return Column(name, data_type=data_type)

    made = []
    for table in tables:
        keys = [Fact(("id",)), *([Fact(table.bridge)] if table.bridge else [])]
        made.append(
            Table(
                table.name,
                Resource.SEED,
                columns=tuple(column(name, text, table) for name, text in table.columns.items()),
                primary_key=keys[0],
                unique_keys=tuple(keys[1:]),
                foreign_keys=tuple(ForeignKey((name,), parent, ("id",)) for name, parent in table.parents.items()),
            )
        )
    return Schema(Project(Path("/nowhere"), "drawn", (Path("/nowhere/seeds"),)), tuple(made))


_TYPES = {
    "integer": DataType(TypeKind.INTEGER, "integer"),
    "varchar": DataType(TypeKind.TEXT, "varchar"),
    "boolean": DataType(TypeKind.BOOLEAN, "boolean"),
    "date": DataType(TypeKind.DATE, "date"),
    "timestamp": DataType(TypeKind.TIMESTAMP, "timestamp"),
    "decimal(12,2)": DataType(TypeKind.DECIMAL, "decimal(12,2)", precision=12, scale=2),
}


def plan_of(tables: list[Drawn]) -> str:
    return "tables:\n" + "\n".join(table.plan for table in tables)


def made(tables: list[Drawn], **options: object) -> dict[str, pa.Table]:
    resolved = resolve_text(schema_for(tables), plan_of(tables), **options)
    world = World(resolved)
    return {table.name: make(resolved, table.name, world=world) for table in tables}


relaxed = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@relaxed
@given(worlds(), st.sampled_from([64, 100, 1000]), st.booleans())
def test_batches_and_workers_change_nothing(elsewhere, tables, batch_rows, away):
    resolved = resolve_text(schema_for(tables), plan_of(tables), scale=8)
    for table in tables:
        whole = make(resolved, table.name)
        assert make(resolved, table.name, batch_rows=batch_rows, workers=elsewhere if away else ALONE) == whole


@relaxed
@given(worlds(), st.randoms(use_true_random=False))
def test_order_and_company_of_tables_change_nothing(tables, chance):
    alone = made(tables)
    shuffled = list(tables)
    chance.shuffle(shuffled)
    extra = Drawn("another", "30", {"id": "sequence()", "c": "fake('city')"})
    together = made([extra, *shuffled])
    for table in tables:
        assert together[table.name] == alone[table.name]


@relaxed
@given(worlds())
def test_one_more_column_leaves_the_others(tables):
    before = made(tables)
    for table in tables:
        table.columns["added"] = "normal(10, 2)"
    after = made(tables)
    for table in tables:
        assert after[table.name].drop_columns(["added"]) == before[table.name]


@relaxed
@given(worlds(), st.sampled_from([1.5, 2, 3.7]))
def test_a_larger_run_begins_with_the_smaller_one(tables, scale):
    small, large = made(tables), made(tables, scale=scale)
    for table in tables:
        count = len(small[table.name])
        assert len(large[table.name]) >= count
        assert large[table.name].slice(0, count) == small[table.name]


@relaxed
@given(worlds(), st.sampled_from([1, 3]))
def test_keys_hold(tables, scale):
    rows = {name: table.to_pydict() for name, table in made(tables, scale=scale).items()}
    for table in tables:
        own = rows[table.name]
        assert len(set(own["id"])) == len(own["id"])
        for name, parent in table.parents.items():
            present = [value for value in own[name] if value is not None]
            assert set(present) <= set(rows[parent]["id"])
            if "null" not in table.columns[name]:
                assert len(present) == len(own[name])
        if table.maximum is not None:
            children = Counter(own["driver"])
            counts = [children[key] for key in rows[table.parents["driver"]]["id"]]
            assert all(table.minimum <= count <= table.maximum for count in counts)
        if table.bridge:
            pairs = list(zip(*(own[name] for name in table.bridge), strict=True))
            assert len(set(pairs)) == len(pairs)
        if "held" in table.varies:
            assert len(set(zip(own["ref"], own["held"], strict=True))) == len(set(own["ref"]))


@relaxed
@given(worlds(), st.randoms(use_true_random=False))
def test_any_rows_can_be_made_alone(tables, chance):
    resolved = resolve_text(schema_for(tables), plan_of(tables))
    world = World(resolved)
    for table in tables:
        whole = make(resolved, table.name, world=world)
        if not len(whole):
            continue
        numbers = np.array([chance.randrange(len(whole)) for _ in range(20)])
        picked = pa.Table.from_batches([world.pick(resolved.table(table.name), numbers).batch()])
        assert picked.to_pydict() == whole.take(pa.array(numbers)).to_pydict()


def test_another_random_seed_gives_other_rows():
    tables = [Drawn("t0", "50", {"id": "sequence()", "c": "integer(1, 1000000)"})]
    resolved = resolve_text(schema_for(tables), plan_of(tables))
    assert make(resolved, "t0") == make(resolved, "t0")
    other = make(replace(resolved, random_seed=8), "t0")
    assert other.column("id") == make(resolved, "t0").column("id")
    assert other.column("c") != make(resolved, "t0").column("c")
