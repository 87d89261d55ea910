"""`seedbed pools`: the balance of text pools, texts from an LLM where they are thin, and pairs for training."""

import json

import duckdb
import pytest
import yaml
from click.testing import CliRunner

from collapsed import Collapsed
from llm_server import LlmServer
from seedbed.cli import main
from shop import run_dbt
from worlds import HEAD, write_project

PROPERTIES = """
seeds:
  - name: products
    columns:
      - {name: product_id, data_type: integer, data_tests: [unique, not_null]}
      - {name: product_name, data_type: varchar(60), data_tests: [not_null]}
      - name: category
        data_type: varchar
        data_tests: [not_null, accepted_values: {arguments: {values: [Audio, Garden]}}]
  - name: reviews
    columns:
      - {name: review_id, data_type: integer, data_tests: [unique, not_null]}
      - name: product_id
        data_type: integer
        data_tests: [not_null, relationships: {arguments: {to: ref('products'), field: product_id}}]
      - {name: body, data_type: varchar(200), data_tests: [not_null]}
"""
PLAN = (
    HEAD
    + """
tables:
  products:
    rows: 20
    by: user
    columns:
      product_id: sequence()
      product_name: fake('product')
      category: choice(['Audio', 'Garden'])
  reviews:
    rows: 300
    by: user
    columns:
      review_id: sequence()
      product_id: foreign_key('products')
      body: pool('bodies', by=['product_id.category'])
"""
)
ALIKE = ["The battery died after a week.", "The battery died after two weeks.", "Battery died after one week!"]
OTHERS = ["I like the {product_id.product_name}.", "Not what I was told, though cheap."]
MODEL = (
    "select r.review_id, p.category, r.body from {{ ref('reviews') }} r join {{ ref('products') }} p using (product_id)"
)


def pool(**strata):
    lines = [
        {"stratum": {"product_id.category": category}, "text": text}
        for category, texts in strata.items()
        for text in texts
    ]
    return "".join(json.dumps(line) + "\n" for line in lines)


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name in ("SEEDBED_LLM_BASE_URL", "SEEDBED_LLM_MODEL", "SEEDBED_LLM_API_KEY", "SEEDBED_LLM_REPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    outputs = {"dev": {"type": "duckdb", "path": "shop.duckdb"}}
    return write_project(
        tmp_path / "shop",
        {
            "dbt_project.yml": 'name: shop\nversion: "1.0"\nprofile: shop\n',
            "profiles.yml": yaml.safe_dump({"shop": {"target": "dev", "outputs": outputs}}),
            "seeds/_seeds.yml": PROPERTIES,
            "models/bodies.sql": MODEL,
            "seedbed.yml": PLAN,
            "seedbed/pools/bodies.jsonl": pool(Audio=[*ALIKE, *OTHERS], Garden=OTHERS),
        },
    )


def run(project, *arguments):
    return CliRunner().invoke(main, [*arguments, "--project-dir", str(project)], catch_exceptions=False)


def report(project, *arguments):
    done = run(project, "pools", "--log-format", "json", *arguments)
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in done.output.splitlines()]
    return {line["stratum"].get("product_id.category"): line for line in lines if "stratum" in line}


def test_the_report_counts_texts_and_rows_and_names_what_is_alike(project):
    found = report(project, "--texts", "8")
    assert (found["Audio"]["texts"], found["Garden"]["texts"]) == (5, 2)
    assert found["Audio"]["rows"] + found["Garden"]["rows"] == 300
    assert [each["texts"] for each in found["Audio"]["alike"]] == [3]
    assert "battery" in found["Audio"]["alike"][0]["words"]
    assert found["Garden"]["alike"] == []
    assert found["Garden"]["missing"] == 2
    assert found["Audio"]["missing"] <= 1
    shown = run(project, "pools", "--texts", "8").output
    assert "thin: 2 more" in shown
    assert "3 alike: " in shown
    run(project, "generate")
    drawn = (project / "seeds" / "reviews.csv").read_text(encoding="utf-8")
    assert drawn.count("\n") == 301


def test_a_stratum_without_a_text_is_shown_and_mended(project, monkeypatch):
    (project / "seedbed/pools/bodies.jsonl").write_text(pool(Audio=OTHERS), encoding="utf-8")
    refused = run(project, "generate")
    assert refused.exit_code == 1
    assert "has no text for product_id.category = 'Garden' of reviews.body" in refused.output
    assert report(project)["Garden"]["texts"] == 0
    with LlmServer(Collapsed(heedless=100)) as server:
        monkeypatch.setenv("SEEDBED_LLM_BASE_URL", server.url)
        monkeypatch.setenv("SEEDBED_LLM_MODEL", "m")
        before = run(project, "pools", "--rebalance", "--dry-run")
        assert "texts 1: about " in before.output
        assert not server.requests
        done = run(project, "pools", "--rebalance")
        assert done.exit_code == 0, done.output
        assert "wrote seedbed/pools/bodies.jsonl" in done.output
    content = (project / "seedbed/pools/bodies.jsonl").read_text(encoding="utf-8")
    assert content.startswith(pool(Audio=OTHERS))
    found = report(project)
    assert (found["Audio"]["missing"], found["Garden"]["missing"]) == (0, 0)
    assert run(project, "plan", "--check").exit_code == 0
    assert run(project, "generate").exit_code == 0


def test_a_missing_file_is_written(project, monkeypatch):
    (project / "seedbed/pools/bodies.jsonl").unlink()
    with LlmServer(Collapsed(heedless=100)) as server:
        monkeypatch.setenv("SEEDBED_LLM_BASE_URL", server.url)
        monkeypatch.setenv("SEEDBED_LLM_MODEL", "m")
        assert run(project, "pools", "--rebalance").exit_code == 0
    assert run(project, "generate").exit_code == 0


def test_a_column_says_which_texts_it_draws(project):
    shown = run(project, "explain", "reviews.body").output
    assert "7 in seedbed/pools/bodies.jsonl (fingerprint " in shown
    (project / "seedbed/pools/bodies.jsonl").write_text(pool(Audio=OTHERS, Garden=OTHERS), encoding="utf-8")
    assert "4 in seedbed/pools/bodies.jsonl" in run(project, "explain", "reviews.body").output


def test_pairs_for_training(project, tmp_path):
    printed = run(project, "pools", "--export", "jsonl-chat")
    pairs = [json.loads(line) for line in printed.output.splitlines()]
    assert len(pairs) == len({json.dumps(pair) for pair in pairs}) > 10
    for pair in pairs:
        asked, answered = pair["messages"]
        assert (asked["role"], answered["role"]) == ("user", "assistant")
        first, *values = asked["content"].split("\n")
        assert first == "Write body for one row of reviews."
        said = dict(value.split(": ", 1) for value in values)
        assert set(said) == {"product_id.category", "product_id.product_name"}
        allowed = [
            text.replace("{product_id.product_name}", said["product_id.product_name"]) for text in [*ALIKE, *OTHERS]
        ]
        assert answered["content"] in allowed
    file = tmp_path / "pairs.jsonl"
    assert run(project, "pools", "bodies", "--export", "jsonl-chat", "--output", str(file)).exit_code == 0
    assert file.read_text(encoding="utf-8") == printed.output


def test_a_pool_that_nothing_draws_from_is_named(project):
    done = run(project, "pools", "bodys")
    assert done.exit_code == 1
    assert "did you mean bodies?" in done.output


def test_dbt_builds_and_tests_what_was_drawn(project):
    assert run(project, "generate").exit_code == 0
    assert run(project, "check").exit_code == 0
    done = run_dbt(project, "build")
    assert done.returncode == 0, done.stdout
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        rows = connection.execute("select category, body from bodies").fetchall()
    assert len(rows) == 300
    assert not any(body in ALIKE for category, body in rows if category == "Garden")
    assert any(body in ALIKE for category, body in rows if category == "Audio")
    assert not any("{" in body for _, body in rows)
