"""Texts drawn from a pool: of the row's own stratum, with every slot filled from the row."""

import itertools
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedbed.engine.ranges import RowRanges
from seedbed.errors import GenerationError
from seedbed.plan.text_pools import PoolText, render_pool
from worlds import make, resolve_text, schema_from, seeds

PROPERTIES = seeds(
    products="product_id integer unique, name varchar, category varchar",
    reviews="id integer unique, product_id integer, stars integer, day date, fine boolean, note varchar",
)
PLAN = """
tables:
  products:
    rows: 12
    columns: {product_id: sequence(), name: "pattern('Ware {n}')", category: "choice(['A', 'B', 'C'], null=0.1)"}
  reviews:
    rows: 400
    columns:
      id: sequence()
      product_id: foreign_key('products', null=0.1)
      stars: integer(1, 2)
      day: date('2024-01-01', '2024-03-31')
      fine: boolean(0.5)
      note: "pool('notes', by=BY)"
"""
SLOTS = ("stars", "day", "product_id.name", "product_id.category", "id")
BY = {"stars": ["1", "2"], "product_id.category": ["A", "B", "C", None], "fine": ["true", "false"]}


def row_value(row, products, path):
    """What stands at a path of a written row, worked out without the engine."""
    head, _, tail = path.partition(".")
    if not tail:
        return str(row[head]).lower() if isinstance(row[head], bool) else str(row[head])
    parent = products.get(row[head])
    return None if parent is None else parent[tail]


@st.composite
def pools(draw):
    by = draw(st.lists(st.sampled_from(sorted(BY)), unique=True, max_size=3))
    texts = []
    for values in itertools.product(*(BY[name] for name in by)):
        for _ in range(draw(st.integers(0, 2))):
            slots = draw(st.lists(st.sampled_from(SLOTS), max_size=3))
            # The number at the beginning tells the texts apart.
            words = [f"{len(texts)}#", *(draw(st.sampled_from([" ", ", ", " ü "])) for _ in slots)]
            pieces = [part for pair in itertools.zip_longest(words, slots) for part in pair if part is not None]
            texts.append(PoolText(tuple(pieces), dict(zip(by, values, strict=True))))
    texts.append(PoolText(("any#",), {}))
    return by, texts


@settings(max_examples=25, deadline=None)
@given(drawn=pools())
def test_a_text_is_of_the_rows_stratum_and_filled_from_the_row(drawn, tmp_path_factory):
    by, texts = drawn
    schema = schema_from(tmp_path_factory.mktemp("p"), PROPERTIES, **{"seedbed/pools/notes.jsonl": render_pool(texts)})
    resolved = resolve_text(schema, PLAN.replace("BY", str(by)))
    products = {row["product_id"]: row for row in make(resolved, "products").to_pylist()}
    rows = make(resolved, "reviews").to_pylist()
    assert rows == make(resolved, "reviews", batch_rows=57).to_pylist()
    present = {tuple(text.stratum.values()) for text in texts if text.stratum}
    by_number = {str(text).partition("#")[0]: text for text in texts}
    for row in rows:
        stratum = tuple(row_value(row, products, name) for name in by)
        candidates = [text for text in texts if tuple(text.stratum.values()) == (stratum if stratum in present else ())]
        if row["note"] is None:
            # Only a slot whose value is null leaves a row without a text.
            assert any(row_value(row, products, slot) is None for text in candidates for slot in text.slots)
            continue
        text = by_number[row["note"].partition("#")[0]]
        assert text in candidates
        filled = [
            piece if place % 2 == 0 else row_value(row, products, piece) for place, piece in enumerate(text.pieces)
        ]
        assert row["note"] == "".join(filled)


def texts_of(folder, pool, by="[]", **options):
    schema = schema_from(folder, PROPERTIES, **{"seedbed/pools/notes.jsonl": pool})
    return make(resolve_text(schema, PLAN.replace("BY", by), **options), "reviews").column("note").to_pylist()


def test_each_text_of_a_stratum_is_as_likely(tmp_path):
    pool = "".join(f'{{"text": "text {number}"}}\n' for number in range(4))
    drawn = texts_of(tmp_path, pool, rows={"reviews": 40_000})
    counts = [drawn.count(f"text {number}") for number in range(4)]
    # 5 standard deviations of a count are 433.
    assert all(abs(count - 10_000) < 433 for count in counts)


def test_more_rows_leave_those_before_them_alone(tmp_path):
    pool = '{"stratum": {"stars": 1}, "text": "a {id}"}\n{"text": "b"}\n{"text": "c"}\n'
    before = texts_of(tmp_path / "a", pool, "['stars']")
    assert texts_of(tmp_path / "b", pool, "['stars']", rows={"reviews": 900})[:400] == before


def test_a_text_of_one_stratum_moves_no_row_of_another(tmp_path):
    texts = [PoolText((text,), {"stars": stars}) for stars, text in ((1, "a"), (2, "b"), (2, "c"))]
    pool = render_pool(texts)
    before = texts_of(tmp_path / "a", pool, "['stars']")
    after = texts_of(tmp_path / "b", pool + '{"stratum": {"stars": 1}, "text": "d"}\n', "['stars']")
    assert [text for text in after if text in "bc"] == [text for text in before if text in "bc"]
    assert {"a", "d"} <= set(after)


def test_a_text_that_becomes_too_long_for_its_column_is_an_error_that_names_it(tmp_path):
    schema = schema_from(
        tmp_path,
        PROPERTIES.replace("{name: note, data_type: 'varchar'", "{name: note, data_type: 'varchar(8)'"),
        **{"seedbed/pools/notes.jsonl": '{"text": "It is {product_id.name}"}\n'},
    )
    with pytest.raises(GenerationError, match=r"reviews.note: 'It is Ware \d+' has \d+ characters"):
        make(resolve_text(schema, PLAN.replace("BY", "[]")), "reviews")


def test_other_processes_draw_the_same_texts(tmp_path):
    pool = '{"stratum": {"stars": 1}, "text": "a {product_id.name}"}\n{"text": "b"}\n{"text": "c"}\n'
    schema = schema_from(tmp_path, PROPERTIES, **{"seedbed/pools/notes.jsonl": pool})
    resolved = resolve_text(schema, PLAN.replace("BY", "['stars']"))
    parts = pickle.loads(pickle.dumps(RowRanges(resolved, "reviews", batch_rows=90)))
    rows = [row for part in range(len(parts)) for row in parts.batch(part).to_pylist()]
    assert rows == make(resolved, "reviews").to_pylist()
