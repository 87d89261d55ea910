"""Files of text pools: what may stand in them, and what is said of the rest."""

import re
from pathlib import Path

import pytest
import yaml

from seedbed.errors import Severity
from seedbed.plan.calls import CallError
from seedbed.plan.generators import parse_generator
from seedbed.plan.text_pools import MAX_TEXTS, parse_pool, read_pool, render_pool
from worlds import make, schema_from, seeds, try_resolve, write_project

CASES = yaml.safe_load((Path(__file__).parents[2] / "cases" / "pools" / "files.yml").read_text(encoding="utf-8"))
PLAN = """
tables:
  products: {rows: 9, columns: {product_id: sequence(), name: fake('product'), category: "choice(['A', 'B'])"}}
  reviews:
    rows: 200
    columns:
      id: sequence()
      product_id: foreign_key('products')
      stars: integer(1, 3)
      name: fake('first_name')
      maybe: choice(['yes'], null=0.5)
      note: "GENERATOR"
"""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_files(case, tmp_path):
    rule = "not_null" if case.get("not_null") else ""
    lines = "".join(f"{line}\n" for line in case.get("lines", ())).replace("DEEP", "[" * 100_000)
    schema = schema_from(
        tmp_path,
        seeds(
            products="product_id integer unique, name varchar, category varchar",
            reviews="id integer unique, product_id integer, stars integer, name varchar, maybe varchar, "
            f"note varchar(40) {rule}",
        ),
        **({"seedbed/pools/notes.jsonl": lines} if "lines" in case else {}),
    )
    by = case.get("by", ["stars"])
    plan = PLAN
    if case.get("given"):
        write_project(tmp_path, {"seedbed/rows/products.csv": "product_id,name,category\n1,Lamp,A\n2,Chair,B\n"})
        plan = re.sub("products: .*", "products: {rows: \"from('seedbed/rows/products.csv')\"}", PLAN)
    resolved, found = try_resolve(schema, plan.replace("GENERATOR", str(parse_generator(f"pool('notes', by={by})"))))
    told = {
        problem.code: str(problem) for problem in found if problem.severity is not Severity.NOTE or case.get("fine")
    }
    assert set(told) == set(case.get("says", {})), told
    for code, part in case.get("says", {}).items():
        assert part in told[code]
    assert (resolved is None) == ("says" in case and not case.get("fine"))
    if resolved is not None:
        assert make(resolved, "reviews").num_rows == 200


@pytest.mark.parametrize("name", ["../x", "A", "a.b", "", "a/b", "con", "x" * 64, ".a", "-a"])
def test_names_that_could_lead_elsewhere_are_refused(name):
    with pytest.raises(CallError):
        parse_generator(f"pool({name!r})")


def test_a_link_out_of_the_project_is_not_followed(tmp_path):
    secret = tmp_path / "secret.jsonl"
    secret.write_text('{"text": "secret"}\n', encoding="utf-8")
    folder = tmp_path / "project" / "seedbed" / "pools"
    folder.mkdir(parents=True)
    (folder / "notes.jsonl").symlink_to(secret)
    pool, found = read_pool(tmp_path / "project", "notes")
    assert pool is None
    assert "symbolic link" in found[0].message


def test_a_file_that_would_exhaust_the_machine_is_not_read_to_its_end():
    pool, found = parse_pool('{"text": "a"}\n' * (MAX_TEXTS + 5), "notes")
    assert pool is None
    assert "pool-too-large" in {problem.code for problem in found}
    pool, found = parse_pool("x\n" * 1_000_000, "notes")
    assert len(found) < 100


def test_a_file_that_is_written_is_read_again():
    text = (
        '{"stratum": {"stars": 1, "b": null, "c": true}, "text": "Ä “{name}” \\"x\\""}\n{"text": "{a b.c d}\u2028 x"}\n'
    )
    pool, found = parse_pool(text.replace("\u2028", ""), "notes")
    assert not found
    again, _ = parse_pool(render_pool(pool.texts), "notes")
    assert again == pool
    assert pool.slots == ("name", "a b.c d")
