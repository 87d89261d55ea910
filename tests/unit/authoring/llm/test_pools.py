"""Texts for columns of free text, asked of servers that behave and that do not."""

import json
import random
import re
import string

import pytest

from collapsed import Collapsed
from llm_plans import baseline
from llm_server import LlmServer, Received
from seedbed.authoring.client.calls import Limits
from seedbed.authoring.client.client import Client
from seedbed.authoring.client.endpoint import Endpoint
from seedbed.authoring.client.ledger import Ledger
from seedbed.authoring.client.replies import CachedReplies, NoReplies
from seedbed.authoring.likeness import SAME, Likeness
from seedbed.authoring.llm.author import expected_requests
from seedbed.authoring.llm.pools import pools_stage
from seedbed.authoring.llm.prompts import read_templates
from seedbed.authoring.llm.run import Run
from seedbed.authoring.llm.survey import Survey
from seedbed.authoring.llm.trial import no_proof, no_rule_proof, resolve_plan
from seedbed.authoring.llm.wishes import wishes
from seedbed.plan import kinds
from seedbed.plan.spec import Author
from seedbed.plan.text_pools import parse_pool
from worlds import make, schema_from

PROPERTIES = """
seeds:
  - name: products
    columns:
      - {name: product_id, data_type: integer, data_tests: [unique, not_null]}
      - {name: product_name, data_type: varchar(90), data_tests: [not_null]}
      - name: category
        data_type: varchar
        data_tests: [not_null, {accepted_values: {arguments: {values: [Audio, Garden]}}}]
  - name: reviews
    description: What customers say of a product.
    columns:
      - {name: review_id, data_type: integer, data_tests: [unique, not_null]}
      - name: product_id
        data_type: integer
        data_tests: [not_null, {relationships: {arguments: {to: ref('products'), field: product_id}}}]
      - name: rating
        data_type: integer
        data_tests: [not_null, {accepted_values: {arguments: {values: [1, 2, 3]}}}]
      - {name: body, data_type: varchar(300), data_tests: [not_null]}
"""


@pytest.fixture
def project(tmp_path):
    schema = schema_from(tmp_path / "project", PROPERTIES)
    return schema, baseline(schema)


def write(server, project, texts, *, replies=None, max_tokens=None):
    """What the stage alone makes of the plan, and why it made no more calls."""
    schema, plan = project
    limits = Limits(backoff=0.001, retries=1)
    with Client(Endpoint(server.url, "m"), replies or NoReplies(), Ledger(max_tokens), limits) as client:
        stage_run = Run(schema, client, read_templates(schema.project.root), lambda line: None, no_proof, no_rule_proof)
        return pools_stage(texts).decide(stage_run, plan, Survey()), stage_run.stopped


def by_column(received):
    """Which column's texts are asked for, in a request."""
    return re.search(r"the column (\w+):", received.body["messages"][1]["content"])[1]


def pool(outcome, name):
    read, found = parse_pool(outcome.files[f"seedbed/pools/{name}.jsonl"], name)
    assert read is not None, found
    return read


def test_free_text_is_found_with_what_it_depends_on(project):
    schema, plan = project
    found = {wish.column: wish for wish in wishes(schema, plan, resolve_plan(schema, plan))}
    assert set(found) == {"product_name", "body"}
    assert found["product_name"].by == ("category",)
    assert found["body"].by == ("product_id.category", "rating")
    assert len(found["body"].strata) == 6
    assert found["body"].slots == {"product_id.product_name": 90}
    assert found["product_name"].slots == {}


LINES = """
version: 2
models:
  - name: lots
    columns:
      - {name: lot_id, data_type: integer, data_tests: [unique, not_null]}
      - {name: line_no, data_type: integer, data_tests: [accepted_values: {arguments: {values: [1, 2, 3]}}]}
      - {name: status, data_type: varchar, data_tests: [accepted_values: {arguments: {values: [new, sold]}}]}
      - {name: kind, data_type: varchar, data_tests: [accepted_values: {arguments: {values: [big, small]}}]}
  - name: lot_checks
    columns:
      - {name: check_id, data_type: integer, data_tests: [unique, not_null]}
      - name: lot_id
        data_type: integer
        data_tests: [not_null, relationships: {arguments: {to: ref('lots'), field: lot_id}}]
      - {name: quality, data_type: varchar, data_tests: [accepted_values: {arguments: {values: [good, poor]}}]}
      - {name: remark, data_type: varchar, data_tests: [not_null]}
"""


def test_a_text_depends_on_its_own_row_first_and_on_no_number(tmp_path):
    schema = schema_from(tmp_path, LINES)
    plan = baseline(schema)
    found = {wish.column: wish for wish in wishes(schema, plan, resolve_plan(schema, plan))}
    assert found["remark"].by == ("lot_id.kind", "quality")


@pytest.mark.parametrize(
    "change",
    [
        "data_tests: [unique, not_null]",
        "data_tests: [not_null], config: {meta: {seedbed: {varies_by: product_id}}}",
        "data_tests: [accepted_values: {arguments: {values: [a, b]}}]",
    ],
)
def test_columns_that_need_something_else_are_left_alone(tmp_path, change):
    text = PROPERTIES.replace("varchar(300), data_tests: [not_null]", f"varchar(300), {change}")
    schema = schema_from(tmp_path, text)
    plan = baseline(schema)
    assert "body" not in {wish.column for wish in wishes(schema, plan, resolve_plan(schema, plan))}


def strata_of(outcome, name="reviews_body", by=("product_id.category", "rating")):
    """The texts of a pool that was written, by stratum."""
    read = pool(outcome, name)
    return {key: [str(read.texts[place]) for place in places] for key, places in read.by_stratum(by).items()}


def test_a_collapsed_model_fills_pools_all_the_same(project):
    model = Collapsed()
    with LlmServer(model) as server:
        outcome, stopped = write(server, project, 120)
    assert not stopped
    assert (outcome.asked, outcome.decided, outcome.kept) == (2, 2, ())
    strata = strata_of(outcome)
    assert all(18 <= len(texts) < 30 for texts in strata.values())
    for texts in strata.values():
        likeness = Likeness()
        assert all(likeness.take_new(text) for text in texts)
    # 3 for each pool, if nothing was ever repeated.
    assert 6 < len(model.asked) < 30
    entry = outcome.plan.tables["reviews"].columns["body"]
    assert str(entry.generator) == "pool('reviews_body', by=['product_id.category', 'rating'])"
    assert outcome.plan.author("reviews", "body") is Author.LLM
    resolved = resolve_plan(project[0], outcome.plan, outcome.files)
    assert make(resolved, "reviews").column("body").null_count == 0


def test_what_is_written_already_is_shown_and_by_whom_changes(project):
    model = Collapsed()
    with LlmServer(model) as server:
        write(server, project, 120)
    bodies = [text for text in model.asked if "the column body" in text]
    assert "These are written already" not in bodies[0]
    shown = re.findall(r"These are written already.*?\n<data-\w+>\n(.*?)\n</data", bodies[-1], re.S)
    assert 1 <= len(shown[0].split("\n")) <= 100
    assert len({re.search("Written by.*", text)[0] for text in bodies[:3]}) == 3
    assert "Written by" not in next(text for text in model.asked if "the column product_name" in text)


def test_what_is_shown_as_written_makes_each_call_bring_more(project):
    new = {}
    for heedless in (1, 20):
        model = Collapsed(heedless=heedless)
        with LlmServer(model) as server:
            outcome, _ = write(server, project, 240)
        texts = sum(len(text.splitlines()) for text in outcome.files.values())
        new[heedless] = texts / len(model.asked)
    assert new[20] > 1.1 * new[1]


def test_a_model_that_knows_no_more_is_not_asked_for_ever(project):
    model = Collapsed(only=4)
    with LlmServer(model) as server:
        outcome, _ = write(server, project, 120)
    assert len(model.asked) < 40
    assert max(len(texts) for texts in strata_of(outcome).values()) <= 4
    told = [found for found in outcome.kept if found.code == "pool-small"]
    assert any("of 120 different texts: the LLM repeats itself" in found.message for found in told)
    assert isinstance(outcome.plan.tables["reviews"].columns["body"].generator, kinds.Pool)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ("See {order_id} for more", "pool-slot"),
        ("{product_id.product_name} is fine", "pool-slot"),
        ("=SUM(A1)", "text-formula"),
        ("Visit https://evil.io now", "text-link"),
        ("{{ env_var('X') }}", "text-jinja"),
        ("x" * 301, "text-too-long"),
        ("x" * 220 + " {product_id.product_name}", "text-too-long"),
    ],
)
def test_texts_that_cannot_stand_in_a_cell_go_back(project, bad, code):
    model, told = Collapsed(heedless=100), []

    def answer(received):
        if by_column(received) == "body" and not told:
            told.append("")
            return {"say": json.dumps({"strata": [{"stratum": "1", "texts": [bad, f"{bad}  ", "Fine."]}]})}
        if len(received.body["messages"]) > 2:
            told.append(received.body["messages"][-1]["content"])
            return model(Received("", {}, {"messages": received.body["messages"][:2]}))
        return model(received)

    with LlmServer(answer) as server:
        outcome, _ = write(server, project, 24)
    assert len(told) == 2
    assert code in told[1]
    assert all(bad not in texts for texts in strata_of(outcome).values())


def test_a_few_bad_texts_are_left_out_without_another_call(project):
    model = Collapsed(heedless=100)

    def answer(received):
        said = json.loads(model(received)["say"])
        said["strata"][0]["texts"].append("=1+1")
        return {"say": json.dumps(said)}

    with LlmServer(answer) as server:
        outcome, _ = write(server, project, 24)
        assert not any(len(received.body["messages"]) > 2 for received in server.requests)
    assert not any("=1+1" in texts for texts in strata_of(outcome).values())


def test_of_an_answer_that_is_never_right_the_good_part_is_kept(project):
    good = {"1": "Came a day late.", "2": "It hums at night, and that is all it does."}

    def answer(received):
        numbers = re.findall(r"^(\d+): .*, \d+ texts$", received.body["messages"][1]["content"], re.M)
        bad = ["=1+1", "{nothing}", "https://evil.io"]
        said = [
            {"stratum": number, "texts": [*bad, good.get(number, f"Number {number} is fine.")]} for number in numbers
        ]
        return {"say": json.dumps({"strata": said})}

    with LlmServer(answer) as server:
        outcome, _ = write(server, project, 6)
    assert all(len(texts) == 1 for texts in strata_of(outcome).values())
    assert {found.code for found in outcome.kept} == {"pool-small"}
    assert outcome.decided == 2


@pytest.mark.parametrize(
    "said",
    ["[]", "no", '{"strata": [{"stratum": "9", "texts": ["x"]}]}', '{"strata": []}', '{"texts": ["a"]}',
     '{"strata": [{"stratum": "\u00b2", "texts": ["x"]}]}'],
)  # fmt: skip
def test_answers_of_another_form_leave_the_baselines_entry(project, said):
    with LlmServer({"say": said}) as server:
        outcome, _ = write(server, project, 24)
        assert len(server.requests) == 6
    assert outcome.files == {}
    assert outcome.plan == project[1]
    (told,) = outcome.kept
    assert told.message.startswith("products.product_name, reviews.body keep their baseline entries: ")


def test_the_end_of_the_budget_keeps_what_was_paid_for(project, tmp_path):
    replies = CachedReplies(tmp_path / "cache")
    model = Collapsed(heedless=100)
    with LlmServer(model) as server:
        outcome, stopped = write(server, project, 120, replies=replies, max_tokens=2_000)
        assert "--max-tokens" in stopped
        assert 0 < len(model.asked) < 8
        count = sum(len(text.splitlines()) for text in outcome.files.values())
        assert count > 20
        for name, text in outcome.files.items():
            path = project[0].project.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        outcome, stopped = write(server, (project[0], outcome.plan), 120, replies=replies)
    assert not stopped
    assert len(pool(outcome, "reviews_body").texts) >= 120


def test_a_warm_cache_makes_no_call(project, tmp_path):
    replies, model = CachedReplies(tmp_path / "cache"), Collapsed()
    with LlmServer(model) as server:
        first, _ = write(server, project, 60, replies=replies)
        count = len(model.asked)
        second, _ = write(server, project, 60, replies=replies)
    assert (first.files, len(model.asked)) == (second.files, count)


def test_the_estimate_holds_when_every_text_is_new(project):
    schema, plan = project
    requests = expected_requests(schema, plan, read_templates(schema.project.root), 120)
    expected = [request for request in requests if request.name == "texts"]
    assert [request.batch for request in expected] == [0, 1, 2, 0, 1, 2]
    chance = random.Random(7)

    def all_new(received):
        asked = re.findall(r"^(\d+): .*, (\d+) texts$", received.body["messages"][1]["content"], re.M)
        said = [
            {
                "stratum": number,
                "texts": ["".join(chance.choices(string.ascii_lowercase, k=40)) for _ in range(int(count))],
            }
            for number, count in asked
        ]
        return {"say": json.dumps({"strata": said})}

    with LlmServer(all_new) as server:
        write(server, project, 120)
        assert len(server.requests) == len(expected)


def test_texts_that_stand_in_the_file_stay_and_count(project):
    file = project[0].project.root / "seedbed" / "pools" / "reviews_body.jsonl"
    file.parent.mkdir(parents=True)
    mine = '{"stratum": {"product_id.category": "Audio", "rating": 1},   "text": "Mine, by hand."}\n'
    file.write_text(mine, encoding="utf-8")
    model = Collapsed(heedless=100)
    with LlmServer(model) as server:
        outcome, _ = write(server, project, 24)
    content = outcome.files["seedbed/pools/reviews_body.jsonl"]
    assert content.startswith(mine)
    assert len(content.splitlines()) == 24
    first = next(text for text in model.asked if "the column body" in text)
    assert '{"product_id.category": "Audio", "rating": "1"}, 3 texts' in first
    assert "Mine, by hand." in first


def test_a_file_for_something_else_is_left_alone(project):
    file = project[0].project.root / "seedbed" / "pools" / "reviews_body.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text('{"stratum": {"colour": "red"}, "text": "x"}\n', encoding="utf-8")
    with LlmServer(Collapsed()) as server:
        outcome, _ = write(server, project, 24)
    assert set(outcome.files) == {"seedbed/pools/products_product_name.jsonl"}
    assert any("has other strata" in found.message for found in outcome.kept)


def test_likeness_sees_through_case_digits_and_slots():
    likeness = Likeness(["The battery of {name} died after 2 days"])
    assert likeness.of("the BATTERY of {other} died, after 3 days!") > 0.9
    assert likeness.of("A lovely colour") < 0.2
    assert 0.3 < likeness.of("After two days the battery was dead") < SAME
