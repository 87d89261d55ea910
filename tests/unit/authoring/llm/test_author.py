"""The LLM author, through the real client: whatever is answered, the plan can be carried out."""

import json

import pytest

from fifty import property_yaml
from llm_plans import CASES, answer, asked_columns, baseline, reply, run, shop
from llm_server import LlmServer
from seedbed.authoring.client.replies import CachedReplies
from seedbed.authoring.llm.trial import MOST_ROWS, expected_rows, problems_of
from seedbed.authoring.llm.undecided import undecided
from seedbed.errors import PlanError
from seedbed.plan.generators import parse_generator
from seedbed.plan.kinds import Choice
from seedbed.plan.merge import merge_plans
from seedbed.plan.spec import Author, FixedRows
from seedbed.schema import TypeKind
from worlds import schema_from

ALL = {"customers", "customers.grp", "customers.happiness", "orders", "orders.outcome", "orders.amount", "orders.blurb"}


def decided(plan):
    """The entries that the LLM wrote."""
    tables = {name for name, table in plan.tables.items() if table.by is Author.LLM}
    return tables | {
        f"{name}.{column}"
        for name, table in plan.tables.items()
        for column in table.columns
        if plan.author(name, column) is Author.LLM
    }


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["name"].replace(" ", "-"))
def test_answers(case, tmp_path):
    schema, plan = shop(tmp_path)
    with LlmServer(*map(reply, case["answers"])) as server:
        authored, summary = run(server, schema, plan)
    assert problems_of(schema, authored) == []
    assert len(server.requests) == case.get("calls", len(server.requests))
    if one_of := case.get("kept_one_of"):
        (left,) = ALL - decided(authored)
        assert left in one_of
    else:
        assert ALL - decided(authored) == set(case.get("kept", ()))
    assert summary.decided == len(decided(authored))
    assert summary.asked == len(ALL)
    for path in set(case.get("kept", ())):
        table, _, column = path.partition(".")
        before, after = plan.tables[table], authored.tables[table]
        if column:
            assert after.columns[column].generator == before.columns[column].generator
        else:
            assert after.rows == before.rows
        assert any(path in str(found) for found in summary.kept) or len(case["kept"]) > 5
    if "told" in case:
        assert case["told"] in server.requests[-1].body["messages"][-1]["content"]
    if "says" in case:
        assert any(case["says"] in found.message for found in summary.kept)
    assert case.get("stopped", "") in summary.stopped
    assert bool(summary.stopped) == ("stopped" in case)


def test_what_is_asked_is_what_is_guessed(tmp_path):
    schema, plan = shop(tmp_path)
    with LlmServer(reply({})) as server:
        run(server, schema, plan)
    assert set(asked_columns(server.requests[0])) == ALL
    assert {path for table in undecided(schema, plan) for path in _paths(table)} == ALL


def _paths(table):
    return {name if column is None else f"{name}.{column}" for name, column in table.places()}


def test_entries_say_what_was_answered(tmp_path):
    schema, plan = shop(tmp_path)
    with LlmServer(reply({})) as server:
        authored, _ = run(server, schema, plan)
    assert authored.tables["customers"].rows == FixedRows(count=60)
    good = CASES["good"]["orders"]["columns"]
    assert authored.tables["orders"].columns["amount"].generator == parse_generator(good["amount"])
    assert authored.author("orders", "order_id") is Author.BASELINE


def test_a_second_run_asks_only_for_what_is_left(tmp_path):
    schema, plan = shop(tmp_path)
    with LlmServer(reply({"orders.amount": "money()"})) as server:
        first, _ = run(server, schema, plan)
    merged, changes = merge_plans(plan, first, schema)
    assert merged.tables == first.tables, "an LLM's entry takes the place of the baseline's"
    assert changes.any
    with LlmServer({"say": answer(only=["orders.amount"])}) as server:
        second, summary = run(server, schema, merged)
    assert asked_columns(server.requests[0]) == ["orders.amount"]
    assert (summary.asked, summary.decided) == (1, 1)
    final, _ = merge_plans(merged, second, schema)
    with LlmServer({"status": 500}) as server:
        _, summary = run(server, schema, final)
    assert (server.requests, summary.asked) == ([], 0)


def test_a_keyless_run_leaves_the_llms_entries(tmp_path):
    schema, plan = shop(tmp_path)
    with LlmServer(reply({})) as server:
        merged, _ = merge_plans(plan, run(server, schema, plan)[0], schema)
    again, changes = merge_plans(merged, plan, schema)
    assert again == merged
    assert not changes.any


def test_what_a_person_wrote_or_edited_is_not_asked_for(tmp_path):
    schema, plan = shop(tmp_path)
    orders = plan.tables["orders"]
    edited = orders.columns["amount"].model_copy(update={"generator": parse_generator("normal(50, 5)")})
    written = orders.columns["blurb"].model_copy(update={"by": Author.USER})
    columns = {**orders.columns, "amount": edited, "blurb": written}
    plan = plan.model_copy(update={"tables": {**plan.tables, "orders": orders.model_copy(update={"columns": columns})}})
    with LlmServer({"say": answer(only=[*(ALL - {"orders.amount", "orders.blurb"})])}) as server:
        authored, _ = run(server, schema, plan)
    assert not {"orders.amount", "orders.blurb"} & set(asked_columns(server.requests[0]))
    assert authored.tables["orders"].columns["amount"].generator == edited.generator


def test_a_repair_asks_for_what_was_wrong_and_the_whole_is_cached(tmp_path):
    schema, plan = shop(tmp_path / "shop")
    replies = CachedReplies(tmp_path / "cache")
    mended = {"say": answer(only=["orders.amount"])}
    with LlmServer(reply({"orders.amount": "money()", "orders.nonsense": "word()"}), mended) as server:
        first, summary = run(server, schema, plan, replies)
        again, cached = run(server, schema, plan, replies)
    assert asked_columns(server.requests[0]) != asked_columns(server.requests[1]) == ["orders.amount"]
    said = json.loads(server.requests[1].body["messages"][2]["content"])
    column = {"column": "amount", "generator": "money()"}
    assert said == {"tables": [{"table": "orders", "rows": "", "columns": [column]}]}
    assert (decided(first), summary.kept) == (ALL, ())
    assert (len(server.requests), again) == (2, first)
    assert (cached.total.calls, cached.total.recorded) == (0, 1)


@pytest.mark.parametrize(
    "second",
    ["nothing to mend", '{"tables": {}}', answer(only=[]), answer({"orders.amount": "money()"}), answer({})],
    ids=["prose", "another form", "empty", "still wrong", "everything again"],
)
def test_whatever_a_repair_says_the_rest_stays(tmp_path, second):
    schema, plan = shop(tmp_path)
    last = {"say": answer(only=["orders.amount"])}
    with LlmServer(reply({"orders.amount": "money()"}), {"say": second}, last) as server:
        authored, summary = run(server, schema, plan)
    assert (decided(authored), summary.kept) == (ALL, ())
    assert all(asked_columns(request) == ["orders.amount"] for request in server.requests[1:])


def test_an_answer_too_long_is_asked_for_in_parts(tmp_path):
    schema, plan = shop(tmp_path)
    cut = {"events": [{"choices": [{"delta": {"content": '{"tables": ['}, "finish_reason": "length"}]}]}

    def script(received):
        asked = asked_columns(received)
        return cut if len(asked) > 2 else {"say": answer(only=asked)}

    with LlmServer(script) as server:
        authored, summary = run(server, schema, plan)
    assert decided(authored) == ALL
    assert not summary.kept
    assert len(server.requests) > 3


def test_an_answer_that_is_always_too_long(tmp_path):
    schema, plan = shop(tmp_path)
    cut = {"events": [{"choices": [{"delta": {"content": "{"}, "finish_reason": "length"}]}]}
    with LlmServer(cut) as server:
        authored, summary = run(server, schema, plan)
    assert authored == plan
    assert "cut at its limit" in summary.kept[0].message


def test_the_budget_stops_before_the_first_call(tmp_path):
    schema, plan = shop(tmp_path)
    with LlmServer(reply({})) as server:
        authored, summary = run(server, schema, plan, max_tokens=500)
    assert (authored, server.requests) == (plan, [])
    assert "--max-tokens" in summary.stopped


def test_a_plan_that_cannot_be_carried_out_costs_nothing(tmp_path):
    schema, plan = shop(tmp_path)
    orders = plan.tables["orders"]
    wrong = orders.columns["blurb"].model_copy(
        update={"generator": parse_generator("sql('nowhere')"), "by": Author.USER}
    )
    columns = {**orders.columns, "blurb": wrong}
    plan = plan.model_copy(update={"tables": {**plan.tables, "orders": orders.model_copy(update={"columns": columns})}})
    with LlmServer(reply({})) as server, pytest.raises(PlanError, match="nowhere"):
        run(server, schema, plan)
    assert server.requests == []


def test_each_call_is_told(tmp_path):
    schema, plan = shop(tmp_path)
    told = []
    with LlmServer(reply({})) as server:
        run(server, schema, plan, tell=told.append)
    assert told == ["planning orders, customers (1 of 1)"] or told == ["planning customers, orders (1 of 1)"]


def test_the_request_holds_no_more_than_metadata(tmp_path):
    schema, plan = shop(tmp_path)
    with LlmServer(reply({})) as server:
        run(server, schema, plan)
    (received,) = server.requests
    said = json.dumps(received.body)
    assert str(tmp_path) not in said
    assert "Businesses that buy office supplies" in said


# --- many tables ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fifty(tmp_path_factory):
    schema = schema_from(tmp_path_factory.mktemp("fifty"), property_yaml())
    return schema, baseline(schema)


def echo(schema, plan, refused=(), survey=None):
    """A server's script that confirms the baseline's entries, but declines portions with certain tables.

    Of tables whose rows are to be written, it writes two.
    """
    surveyed = [{"table": t.name, "role": "entity", "rows": 50, "about": f"what {t.name} is"} for t in schema]
    survey = survey or {"say": json.dumps({"domain": "A maker of lamps.", "tables": surveyed})}

    def script(received):
        if "# What to answer" in received.body["messages"][1]["content"]:
            return survey
        if "# Rows to write" in received.body["messages"][1]["content"]:
            return {"say": json.dumps({"tables": list(two_rows(schema, received))})}
        tables = {}
        for path in asked_columns(received):
            table, _, column = path.partition(".")
            if table in refused:
                return REFUSAL
            entry = plan.tables[table]
            part = tables.setdefault(table, {"table": table, "rows": "", "columns": []})
            if column:
                part["columns"].append({"column": column, "generator": uneven(entry.columns[column].generator)})
            else:
                part["rows"] = str(entry.rows)
        return {"say": json.dumps({"tables": list(tables.values())})}

    return script


def uneven(generator):
    """A generator as text, the values of a choice with weights."""
    if isinstance(generator, Choice):
        generator = Choice(values={value: weight for weight, value in enumerate(generator.values, 1)})
    return str(generator)


def two_rows(schema, received):
    """Two rows of each table that a request asks for rows of."""
    asked = received.body["messages"][1]["content"].partition("# Rows to write")[2]
    for line in asked.splitlines():
        if line.startswith('"'):
            table, names = json.loads("{" + line + "}").popitem()
            columns = [schema.table(table).column(name) for name in names]
            yield {"table": table, "columns": names, "rows": [[value(c, n) for c in columns] for n in (1, 2)]}


def value(column, number):
    """Some value that the column accepts."""
    if column.accepted_values:
        return str(column.accepted_values.value[0])
    match column.data_type.value.kind:
        case TypeKind.DATE:
            return f"2024-01-0{number}"
        case TypeKind.TEXT:
            return f"{column.name[0]}{number}"
    return str(number)


def test_many_tables_are_surveyed_and_planned_in_portions(fifty):
    schema, plan = fifty
    told = []
    with LlmServer(echo(schema, plan)) as server:
        authored, summary = run(server, schema, plan, tell=told.append)
    assert problems_of(schema, authored) == []
    assert (summary.decided, summary.kept) == (summary.asked, ())
    first, *others = (received.body["messages"][1]["content"] for received in server.requests)
    assert "# What to answer" in first
    assert len(others) == 4
    assert all("A maker of lamps." in text and "what " in text for text in others)
    assert told[0] == "surveying 50 tables"
    assert {line.rpartition(" (")[2] for line in told[1:]} == {f"{number} of 4)" for number in range(1, 5)}


def test_one_portion_that_fails_leaves_the_others(fifty):
    schema, plan = fifty
    with LlmServer(echo(schema, plan, refused=["warehouse"])) as server:
        authored, summary = run(server, schema, plan)
    assert problems_of(schema, authored) == []
    (kept,) = summary.kept
    assert "declined" in kept.message
    assert authored.author("warehouse", "capacity_pallets") is Author.BASELINE
    assert authored.author("lead", "status") is Author.LLM


REFUSAL = {"events": [{"choices": [{"delta": {"refusal": "No."}, "finish_reason": "stop"}]}]}


@pytest.mark.parametrize(
    "survey",
    [{"say": '{"domain": "?", "tables": []}'}, {"say": "no"}, REFUSAL],
    ids=["incomplete", "no-json", "refused"],
)
def test_columns_do_without_a_survey(fifty, survey):
    schema, plan = fifty
    with LlmServer(echo(schema, plan, survey=survey)) as server:
        authored, summary = run(server, schema, plan)
    assert summary.decided == summary.asked
    assert len(summary.files) == 5
    assert problems_of(schema, authored, files=summary.files) == []
    assert "A maker of lamps." not in server.requests[-1].body["messages"][1]["content"]


def test_what_holds_in_each_portion_but_not_together_is_found(fifty):
    """Each portion makes its tables' rows many; only together are they too many."""
    schema, plan = fifty
    honest = echo(schema, plan)

    def script(received):
        reply = honest(received)
        value = json.loads(reply["say"])
        for part in value["tables"]:
            if part["table"] == "customer" and "columns" in part:
                part["rows"] = "4000"
            if part["table"] in ("order_line", "order") and part.get("columns"):
                part["rows"] = f"per {'order' if part['table'] == 'order_line' else 'customer'}, constant(4)"
        return {"say": json.dumps(value)}

    with LlmServer(script) as server:
        authored, summary = run(server, schema, plan)
    assert problems_of(schema, authored) == []
    assert expected_rows(authored)["order_line"] <= MOST_ROWS
    assert any("too-many-rows" in found.message for found in summary.kept)
