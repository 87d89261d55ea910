"""`seedbed plan --author llm` and `seedbed prompt`: with an endpoint, and by hand."""

import csv
import json
import re

import pytest
import yaml
from click.testing import CliRunner

from collapsed import Collapsed
from fifty import property_yaml
from llm_plans import CASES, answer, reply
from seedbed.cli import main
from seedbed.plan.files import read_plan
from seedbed.plan.spec import Author
from worlds import write_project


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name in ("SEEDBED_LLM_BASE_URL", "SEEDBED_LLM_MODEL", "SEEDBED_LLM_API_KEY", "SEEDBED_LLM_REPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return write_project(tmp_path / "shop", {"seeds/_seeds.yml": yaml.safe_dump(CASES["project"], sort_keys=False)})


def run(project, *arguments):
    return CliRunner().invoke(main, [*arguments, "--project-dir", str(project)], catch_exceptions=False)


def by_llm(project):
    plan, _ = read_plan(project / "seedbed.yml", project)
    return {(name, column) for name, table in plan.tables.items() for column in table.columns
            if plan.author(name, column) is Author.LLM}  # fmt: skip


def test_an_llm_writes_the_plan(project, serve):
    with serve(reply({})) as server:
        done = run(project, "plan", "--author", "llm")
        assert done.exit_code == 0, done.output
        assert "estimate: 1 call, about " in done.output
        assert "planning " in done.output
        assert "the LLM decided 7 of 7 entries (1 call, 100 tokens in, 20 out)" in done.output
        assert len(by_llm(project)) == 5
        again = run(project, "plan", "--author", "llm")
        assert "nothing is left for an LLM to decide" in again.output
        assert run(project, "plan", "--check").exit_code == 0
        assert len(server.requests) == 1
    assert run(project, "generate").exit_code == 0


def test_an_llm_takes_over_what_the_baseline_wrote(project, serve):
    run(project, "init")
    with serve(reply({})):
        done = run(project, "plan", "--author", "llm")
    assert "the LLM decided it" in done.output
    assert len(by_llm(project)) == 5


def test_what_is_not_decided_is_told(project, serve):
    with serve(reply({"orders.amount": "money()"})):
        done = run(project, "plan", "--author", "llm")
    assert done.exit_code == 0
    assert 'orders.amount keeps its baseline entry: there is no generator "money"' in done.output
    assert ("orders", "amount") not in by_llm(project)


@pytest.mark.parametrize(
    ("generator", "said"),
    [
        ("sql('blurb::integer')", "Could not convert"),
        ("sql('1 / (order_id - order_id)')", "infinite or not a number"),
        ("lognormal(9e12, 1)", "does not fit"),
    ],
)
def test_what_only_fails_when_rows_are_made_goes_back_too(project, serve, generator, said):
    with serve(reply({"orders.amount": generator})) as server:
        done = run(project, "plan", "--author", "llm")
    assert done.exit_code == 0
    assert len(server.requests) == 3
    told = server.requests[1].body["messages"][-1]["content"]
    assert "cannot-be-made" in told
    assert said in told
    assert '"path": "tables.orders.columns.amount"' in told
    assert ("orders", "amount") not in by_llm(project)
    assert run(project, "generate").exit_code == 0


def test_without_an_answer_the_plan_is_the_baselines(project, serve):
    with serve({"status": 401, "json": {"error": {"message": "no"}}}):
        done = run(project, "plan", "--author", "llm")
    assert done.exit_code == 1
    assert "Check SEEDBED_LLM_API_KEY" in done.output
    assert "Traceback" not in done.output
    assert by_llm(project) == set()


def test_without_an_endpoint_nothing_is_written(project):
    done = run(project, "plan", "--author", "llm")
    assert done.exit_code == 1
    assert "SEEDBED_LLM_MODEL" in done.output
    assert not (project / "seedbed.yml").exists()


def test_the_limit_on_tokens_is_hard(project, serve):
    with serve(reply({})) as server:
        done = run(project, "plan", "--author", "llm", "--max-tokens", "100")
    assert done.exit_code == 1
    assert "--max-tokens" in done.output
    assert server.requests == []


def test_the_cache_and_its_flags(project, serve):
    with serve(reply({})) as server:
        for flags, calls in (([], 1), ([], 1), (["--refresh"], 2), (["--no-cache"], 3), ([], 3)):
            (project / "seedbed.yml").unlink(missing_ok=True)
            assert run(project, "plan", "--author", "llm", *flags).exit_code == 0
            assert len(server.requests) == calls


def test_a_dry_run_asks_nothing(project, serve, tmp_path):
    settings = tmp_path / "config" / "seedbed" / "llm.yml"
    settings.parent.mkdir(parents=True)
    settings.write_text("price: {prompt: 2, completion: 10}\n", encoding="utf-8")
    with serve(reply({})) as server:
        done = run(project, "plan", "--author", "llm", "--dry-run")
    assert done.exit_code == 0
    assert re.search(r"columns 1: about [\d,]+ tokens in, [\d,]+ out", done.output)
    assert re.search(r"estimate: 1 call, .* to m at 127.0.0.1:\d+, 0\.0\d+ at your price", done.output)
    assert server.requests == []
    assert not (project / "seedbed.yml").exists()


# --- by hand -------------------------------------------------------------------------------------------------


def prompts(project):
    """Key and text of each open prompt."""
    done = run(project, "prompt")
    assert done.exit_code == 0, done.output
    parts = re.split(r"^=== prompt (\w+) .*===\n", done.stdout, flags=re.M)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def save(tmp_path, text, name="answer.json"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_by_hand(project, tmp_path):
    ((key, text),) = prompts(project).items()
    assert text.count("# Data to generate") == 1
    assert '"additionalProperties":false' in text
    assert run(project, "prompt", key).stdout.strip() == text.strip()
    done = run(project, "plan", "--reply", save(tmp_path, f"Here you are:\n```json\n{answer()}\n```"))
    assert done.exit_code == 0, done.output
    assert len(by_llm(project)) == 5
    assert prompts(project) == {}


def test_a_wrong_answer_by_hand_is_told_what_is_wrong(project, tmp_path):
    (first,) = prompts(project)
    wrong = run(project, "plan", "--reply", save(tmp_path, answer({"orders.amount": "money()"})))
    assert wrong.exit_code == 1
    assert "cannot be used" in wrong.output
    assert 'there is no generator \\"money\\"' in wrong.output
    assert "next: save the corrected answer, and seedbed plan --reply FILE" in wrong.output
    assert not (project / "seedbed.yml").exists()
    (second,) = prompts(project)
    assert second != first
    assert second in wrong.output
    done = run(project, "plan", "--reply", f"{second}={save(tmp_path, answer())}")
    assert "seedbed.yml" in done.output
    assert len(by_llm(project)) == 5


def test_an_answer_that_stays_wrong_by_hand(project, tmp_path):
    path = save(tmp_path, answer({"orders.amount": "money()"}))
    for _ in range(3):
        done = run(project, "plan", "--reply", path)
        assert done.exit_code == 1
    assert "orders.amount keeps its baseline entry" in done.output
    assert len(by_llm(project)) == 4
    assert "cannot be used, like the 2 before it" in done.output
    assert "next: seedbed prompt" in done.output
    assert len(prompts(project)) == 1, "what is still the baseline's is asked for again"


def test_an_answer_of_which_nothing_ever_holds(project, tmp_path):
    for _ in range(3):
        run(project, "plan", "--reply", save(tmp_path, '{"tables": []}'))
    said = run(project, "prompt").output
    key = re.search(r"`seedbed plan --reply (\w+)=FILE` takes another answer", said)[1]
    assert "This answer cannot be used" in run(project, "prompt", key).output
    done = run(project, "plan", "--reply", f"{key}={save(tmp_path, answer())}")
    assert done.exit_code == 0, done.output
    assert len(by_llm(project)) == 5


def test_quiet_keeps_nothing_back_of_a_wrong_answer(project, tmp_path):
    done = run(project, "plan", "-q", "--reply", save(tmp_path, answer({"orders.amount": "money()"})))
    assert done.exit_code == 1
    assert done.stdout == ""
    assert 'there is no generator \\"money\\"' in done.stderr
    assert "next: " in done.stderr


def test_each_answer_is_accounted_for_as_json(project, tmp_path):
    (key,) = prompts(project)
    path = save(tmp_path, answer({"orders.amount": "money()"}))
    done = run(project, "plan", "--reply", path, "--log-format", "json")
    found = [json.loads(line) for line in done.stderr.splitlines()]
    assert (found[0]["code"], found[0]["file"]) == ("answer-rejected", path)
    assert found[1]["path"] == "tables.orders.columns.amount"
    (opened,) = prompts(project)
    done = run(project, "plan", "--reply", save(tmp_path, answer()), "--log-format", "json")
    used = [line for line in map(json.loads, done.stdout.splitlines()) if "used" in line]
    assert [(line["key"], line["name"], line["used"]) for line in used] == [(opened, "columns", True)]
    assert opened != key


@pytest.mark.parametrize(
    ("replies", "said"),
    [
        (["nowhere.json"], "cannot be read"),
        (["ffff=answer.json"], "No open prompt has the key ffff"),
        (["answer.json", "other.json"], "all are answered, and other.json was not used"),
        (["wrong.json", "other.json"], "nothing asked for other.json"),
    ],
)
def test_answers_that_fit_nothing(project, tmp_path, monkeypatch, replies, said):
    monkeypatch.chdir(tmp_path)
    save(tmp_path, answer())
    for name, amount in (("other", "constant(1)"), ("wrong", "money()")):
        (tmp_path / f"{name}.json").write_text(answer({"orders.amount": amount}), encoding="utf-8")
    done = run(project, "plan", *[part for name in replies for part in ("--reply", name)])
    assert done.exit_code == 1
    assert said in done.output


def test_a_prompt_that_is_not_open(project):
    done = run(project, "prompt", "abcd")
    assert done.exit_code == 1
    assert "No open prompt has the key abcd" in done.output


def test_prompts_as_json(project):
    done = run(project, "prompt", "--log-format", "json")
    (line,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert line["name"] == "columns"
    assert line["key"] in prompts(project)


def test_many_tables_by_hand(project, tmp_path):
    """The survey's answer opens the other prompts; answers may come one at a time, in any order."""
    (project / "seeds" / "_seeds.yml").write_text(property_yaml(), encoding="utf-8")
    tables = [
        {"table": seed["name"], "role": "entity", "rows": 40, "about": "a thing"}
        for seed in yaml.safe_load(property_yaml())["seeds"]
    ]
    (survey,) = prompts(project)
    done = run(project, "plan", "--reply", save(tmp_path, json.dumps({"domain": "Lamps.", "tables": tables})))
    assert "4 prompts are open" in done.output
    opened = prompts(project)
    assert survey not in opened
    assert all("Lamps." in text for text in opened.values())
    last = list(opened)[-1]
    done = run(project, "plan", "--reply", f"{last}={save(tmp_path, '{}')}")
    assert "cannot be used" in done.output
    assert "4 prompts are open" in done.output
    assert set(prompts(project)) - set(opened), "the repair is a prompt of its own"
    assert not (project / "seedbed.yml").exists()


REVIEWS = """
seeds:
  - name: products
    columns:
      - {name: product_id, data_type: integer, data_tests: [unique, not_null]}
      - name: category
        data_type: varchar
        data_tests: [not_null, accepted_values: {arguments: {values: [Audio, Garden]}}]
  - name: reviews
    columns:
      - {name: review_id, data_type: integer, data_tests: [unique, not_null]}
      - name: product_id
        data_type: integer
        data_tests: [not_null, relationships: {arguments: {to: ref('products'), field: product_id}}]
      - {name: comment, data_type: varchar, data_tests: [not_null]}
"""


COLUMNS_OF_REVIEWS = json.dumps(
    {
        "tables": [
            {
                "table": "products",
                "rows": "20",
                "columns": [{"column": "category", "generator": "choice(['Audio', 'Garden'])"}],
            },
            {
                "table": "reviews",
                "rows": "per products, poisson(3)",
                "columns": [{"column": "comment", "generator": "fake('sentence')"}],
            },
        ]
    }
)


@pytest.fixture
def reviews(project):
    (project / "seeds" / "_seeds.yml").write_text(REVIEWS, encoding="utf-8")
    return project


def only_texts(received):
    """Texts for columns of free text, and no answer to anything else."""
    texts = "Write texts for the column" in received.body["messages"][1]["content"]
    return Collapsed(heedless=100)(received) if texts else {"say": '{"tables": []}'}


def test_who_wants_no_texts_after_all_finishes_without_a_file(reviews, tmp_path):
    done = run(reviews, "plan", "--reply", save(tmp_path, COLUMNS_OF_REVIEWS))
    assert "1 prompt is open" in done.output
    said = run(reviews, "prompt", "--texts", "0").output
    assert "next: seedbed plan --texts 0 --reply\n" in said
    done = run(reviews, "plan", "--texts", "0", "--reply")
    assert done.exit_code == 0, done.output
    assert "wrote seedbed.yml" in done.output
    assert "next: seedbed generate" in run(reviews, "prompt", "--texts", "0").output


def test_the_next_step_repeats_how_many_texts_are_wanted(reviews, tmp_path):
    assert "seedbed plan --texts 3 --reply FILE" in run(reviews, "prompt", "--texts", "3").stderr
    done = run(reviews, "plan", "--texts", "3", "--reply", save(tmp_path, COLUMNS_OF_REVIEWS))
    assert "next: seedbed prompt --texts 3 > prompt.txt" in done.output


def test_free_text_gets_a_pool_that_is_generated_checked_and_kept(reviews, serve):
    with serve(only_texts):
        done = run(reviews, "plan", "--author", "llm")
        assert done.exit_code == 0, done.output
        assert "writing 24 texts for reviews.comment" in done.output
        assert "wrote seedbed/pools/reviews_comment.jsonl" in done.output
        assert "pool('reviews_comment', by=['product_id.category'])" in (reviews / "seedbed.yml").read_text()
        assert run(reviews, "plan", "--check").exit_code == 0
    assert run(reviews, "generate").exit_code == 0
    assert run(reviews, "check").exit_code == 0
    pool = [json.loads(line) for line in (reviews / "seedbed/pools/reviews_comment.jsonl").read_text().splitlines()]
    with (reviews / "seeds/products.csv").open(encoding="utf-8") as lines:
        categories = {row["product_id"]: row["category"] for row in csv.DictReader(lines)}
    allowed = {(line["stratum"]["product_id.category"], line["text"]) for line in pool}
    with (reviews / "seeds/reviews.csv").open(encoding="utf-8") as lines:
        drawn = {(categories[row["product_id"]], row["comment"]) for row in csv.DictReader(lines)}
    assert drawn <= allowed
    assert len(drawn) > 15


def test_no_texts_are_asked_for_when_none_are_wanted(reviews, serve):
    with serve(only_texts) as server:
        done = run(reviews, "plan", "--author", "llm", "--texts", "0")
        assert done.exit_code == 0, done.output
        assert not any("Write texts" in received.body["messages"][1]["content"] for received in server.requests)
    assert not (reviews / "seedbed/pools").exists()


def test_the_estimate_counts_the_texts(reviews):
    done = run(reviews, "plan", "--author", "llm", "--dry-run")
    assert "texts 1: about " in done.output
    assert "texts 1" not in run(reviews, "plan", "--author", "llm", "--dry-run", "--texts", "0").output


def test_a_person_brings_the_texts_too(reviews, tmp_path):
    first = run(reviews, "prompt")
    assert "Write texts for the column comment" not in first.output, "columns are decided first"
    columns = tmp_path / "columns.json"
    columns.write_text(COLUMNS_OF_REVIEWS, encoding="utf-8")
    done = run(reviews, "plan", "--reply", str(columns))
    assert "next: seedbed prompt > prompt.txt, save the answer, and seedbed plan --reply FILE" in done.output
    assert "texts 1" in done.output, done.output
    prompt = run(reviews, "prompt")
    assert "Write texts for the column comment" in prompt.output
    texts = tmp_path / "texts.json"
    said = ["Came a day late.", "Sounds better than it looks.", "My neighbour wants one too."]
    texts.write_text(json.dumps({"strata": [{"stratum": n, "texts": said} for n in "12"]}), encoding="utf-8")
    done = run(reviews, "plan", "--reply", str(texts), "--texts", "3")
    assert done.exit_code == 0, done.output
    assert "wrote seedbed/pools/reviews_comment.jsonl" in done.output


def test_texts_can_be_asked_for_later(reviews, serve):
    def answer(received):
        texts = "Write texts" in received.body["messages"][1]["content"]
        return Collapsed(heedless=100)(received) if texts else {"say": COLUMNS_OF_REVIEWS}

    with serve(answer):
        assert run(reviews, "plan", "--author", "llm", "--texts", "0").exit_code == 0
        assert ("reviews", "comment") in by_llm(reviews)
        done = run(reviews, "plan", "--author", "llm")
        assert done.exit_code == 0, done.output
        assert "an LLM wrote texts for it" in done.output
        assert "pool('reviews_comment'" in (reviews / "seedbed.yml").read_text()
        again = run(reviews, "plan", "--author", "llm")
        assert "nothing is left for an LLM to decide" in again.output
