"""What pydantic finds wrong is told in our words: the value, what was expected, and what to do where that is clear."""

import itertools
import re

import pytest
from pydantic import ValidationError

from seedbed.documents import Document
from seedbed.plan.entries import ColumnAnnotation, TableAnnotation
from seedbed.plan.problems import spoken_problems
from seedbed.plan.spec import ColumnEntry, Dwell, History, Lifecycle, Plan, RuleEntry, TableEntry
from seedbed.yaml_text import read_yaml

CASES = [
    (TableAnnotation, "rows: [1]", "a list stands here; it should be a number of rows such as 40, or a text", None),
    (TableAnnotation, "rows: true", "true stands here; it should be a number of rows", None),
    (TableAnnotation, "rows: -5", "-5 stands here; it should be at least 0", None),
    (TableAnnotation, "arrives: 5", "5 stands here; it should be a mapping", None),
    (TableAnnotation, "generate: maybe", "'maybe' stands here; it should be true or false", None),
    (TableAnnotation, "deletes: {delay: 3d}", '"share" is missing', "add `share:`"),
    (TableAnnotation, "deletes: {share: 2, delay: 3d}", "2 stands here; it should be at most 1", None),
    (TableAnnotation, "lifecycle: {transitons: {}}", '"transitons" is not known here', "did you mean transitions?"),
    (TableAnnotation, "lifecycle: {states: a}", "'a' stands here; it should be a list", None),
    (TableAnnotation, "lifecycle: {max_versions: 1.5}", "1.5 stands here; it should be a whole number", None),
    (
        TableAnnotation,
        "lifecycle: {dwell: {a: {lognormal: {median: 3d, sigma: 9}}}}",
        "9 stands here; it should be",
        None,
    ),
    (
        TableAnnotation,
        "lifecycle: {dwell: {a: {lognormall: {median: 3d}}}}",
        "'lognormall' stands here",
        "did you mean lognormal?",
    ),
    (
        TableAnnotation,
        "lifecycle: {dwell: {a: {uniform: {maxx: 3d}}}}",
        '"maxx" is not known here',
        "did you mean max?",
    ),
    (ColumnAnnotation, "generator: 5", "5 stands here; it should be a generator such as integer(1, 9)", None),
    (ColumnAnnotation, "null: half", "'half' stands here; it should be a number", None),
    (ColumnAnnotation, "varies_by: [a]", "a list stands here; it should be a text", None),
    (Plan, "{start: soon, as_of: 2026-01-01}", "'soon' stands here; it should be a date such as 2026-01-31", None),
    (Plan, "{start: 2025-01-01, as_of: 2026-01-01, locale: german}", "it should be a language and a country", None),
    (Plan, "{start: 2025-01-01, as_of: 2026-01-01, tables: {a: {by: lm}}}", "'lm' stands here", "did you mean llm?"),
]


def problems(model, document):
    try:
        model.model_validate(document.value)
    except ValidationError as error:
        return list(spoken_problems(error, document, model))
    return []


@pytest.mark.parametrize(("model", "text", "message", "hint"), CASES, ids=[case[1] for case in CASES])
def test_a_wrong_value_is_one_problem_in_our_words(model, text, message, hint):
    (found,) = problems(model, read_yaml(text, "models/a.yml"))
    assert message in found.message
    assert found.hint == hint
    assert found.location.line == 1


WRONG = [5, -1, 2.5, "no such thing", [1], [["a"]], {"a": 1}, {"a": {"b": "c"}}, {}, [], True, float("inf")]
MODELS = [Plan, TableEntry, ColumnEntry, RuleEntry, History, Lifecycle, Dwell, TableAnnotation, ColumnAnnotation]
PYDANTIC = re.compile(r"Input|be a valid|instance of|Field required|[Ss]tring|dictionary|tuple|integer,|Extra|unable")


def test_no_words_of_pydantic_are_left():
    """Each key of each class that text is read into, with values of every type."""
    told = 0
    for model, value in itertools.product(MODELS, WRONG):
        for name in model.model_fields:
            document = Document({name: value}, "seedbed.yml")
            for found in problems(model, document):
                told += 1
                assert not PYDANTIC.search(found.message), (model, name, value, found.message)
    assert told > 500
