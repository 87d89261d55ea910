from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbed.errors import Diagnostic, Location, Severity
from seedbed.parsers.jinja import Reference, Renderer, reference_functions, yaml_functions

PLACE = Location("models/a.yml", 3, 5)
VARIABLES = {"year": 2031, "name": "app", "regions": ["n", "s"], "nested": {"key": {"deep": 1}}}


def renderer() -> Renderer:
    return Renderer({**yaml_functions(VARIABLES, {"HOME": "/home"}), "project_name": "shop", **reference_functions()})


def rendered(text: str) -> tuple[Any, list[Diagnostic]]:
    one = renderer()
    return one.render(text, PLACE), one.diagnostics


# What dbt-core 1.11's own renderer gives for the same texts and variables.
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("{{ var('year') }}", 2031),
        ("{{ var('year') + 1 }}", 2032),
        ("{{ '7' }}", "7"),
        ("{{ 7 }}", "7"),
        ("c_{{ var('year') }}", "c_2031"),
        ("{{ var('year') }}{{ var('year') }}", "20312031"),
        ("{{ var('regions') }}", ["n", "s"]),
        ("{{ var('regions') + ['e'] }}", ["n", "s", "e"]),
        ("{{ var('nested').key.deep }}", 1),
        ("{{ var('absent', 'fallback') }}", "fallback"),
        ("{{ var('absent', false) }}", False),
        ("{{ var('absent', none) }}", None),
        ("{% if var('absent', default=none) %}{{ var('absent') }}{% else %}plain{% endif %}", "plain"),
        ("{{ var.has_var('year') }}", True),
        ("{{ env_var('HOME') }}", "/home"),
        ("{{ env_var('NOWHERE', '1') }}", "1"),
        ("{{ env_var('NOWHERE', '1') | as_number }}", 1),
        ("{{ 'true' | as_bool }}", "true"),
        ("{{ 'True' | as_native }}", True),
        ("{{ var('year') | as_text }}", "2031"),
        ("{{ project_name == 'shop' }}", True),
        ("{% if var('year') > 2000 %}late{% else %}early{% endif %}", "late"),
        ("{{ 'x' if project_name == 'y' else 'z' }}", "z"),
        ("{{ var('name') | upper }}_{{ var('name').replace('p', 'b') }}", "APP_abb"),
        ("{{ fromjson('[1, 2]') }}", [1, 2]),
        ("{# a comment #}", ""),
    ],
)
def test_renders_like_dbt(text: str, value: object) -> None:
    result, diagnostics = rendered(text)
    if text == "{{ 'true' | as_bool }}":
        # dbt refuses a lower-case `true`: it is no Python literal.
        assert [found.code for found in diagnostics] == ["jinja-failed"]
        return
    assert (result, type(result)) == (value, type(value))
    assert diagnostics == []


@pytest.mark.parametrize(
    ("text", "code", "severity"),
    [
        ("{{ var('yaer') }}", "missing-var", Severity.ERROR),
        ("{{ env_var('NOWHERE') }}", "missing-env-var", Severity.ERROR),
        ("{{ env_var('MY_API_KEY', 'x') }}", "secret-env-var", Severity.WARNING),
        ("{{ env_var('DBT_ENV_SECRET_X') }}", "secret-env-var", Severity.WARNING),
        ("{{ nonsense }}", "jinja-undefined", Severity.WARNING),
        ("{{ modules.datetime.now() }}", "jinja-undefined", Severity.WARNING),
        ("{{ 1 / 0 }}", "jinja-failed", Severity.ERROR),
        ("{{ var( }}", "jinja-syntax", Severity.ERROR),
        ("{% macro x() %}{% endmacro %}", "jinja-unsupported", Severity.WARNING),
        ("{% set x = 1 %}{{ x }}", "jinja-unsupported", Severity.WARNING),
        ("{% include 'secrets.txt' %}", "jinja-unsupported", Severity.WARNING),
        ("{{ ref() }}", "jinja-failed", Severity.ERROR),
    ],
)
def test_what_cannot_be_rendered_is_told_once_with_its_place(text: str, code: str, severity: Severity) -> None:
    result, diagnostics = rendered(text)
    assert result is None
    assert [(found.code, found.severity, found.location) for found in diagnostics] == [(code, severity, PLACE)]


def test_unknown_variable_names_the_nearest() -> None:
    _, [found] = rendered("{{ var('yaer') }}")
    assert found.hint == "did you mean year?"


def test_default_and_defined_need_no_name() -> None:
    assert rendered("{{ nonsense | default('x') }}") == ("x", [])
    assert rendered("{{ 'y' if nonsense is defined else 'n' }}") == ("n", [])


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ var.__init__.__globals__ }}",
        "{{ var.values }}",
        "{{ env_var.__globals__ }}",
        "{{ self }}",
        "{{ self._TemplateReference__context }}",
        "{{ lipsum(1000) }}",
        "{{ cycler.__init__ }}",
        "{{ ()|attr('__class__') }}",
        "{{ 'a'.format }}",
        "{{ '%9999999999d' % 1 }}",
        "{{ 'x' * 1000000000 }}",
        "{{ [1] * 1000000000 }}",
        "{{ 1000000000 * [1] }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ range(1000000000) }}",
        "{{ 'a'.center(1000000000) }}",
        "{{ 'a' | center(1000000000) }}",
        "{{ 'a' | replace('', 'b' * 150000) | replace('b', 'c' * 150000) }}",
        "{{ ('a' * 100000) | replace('a', 'b' * 100000) }}",
        "{{ (['a'] * 100000) | join('b' * 100000) }}",
        "{{ 'x' | tojson " + "| tojson " * 60 + "}}",
        "{{ " + "(" * 500 + "1" + ")" * 500 + " }}",
        "{{ " + "x" * 30_000 + " }}",
    ],
)
def test_nothing_reaches_or_exhausts_the_machine(text: str) -> None:
    started = time.process_time()
    result, diagnostics = rendered(text)
    assert diagnostics or result is None or len(str(result)) < 10_000
    assert "class" not in str(result)
    assert "globals" not in str(result)
    assert time.process_time() - started < 5


def test_an_unknown_name_is_told_once_a_file() -> None:
    renderer = Renderer({})
    for place in (PLACE, Location("models/a.yml", 9), Location("models/b.yml", 1)):
        assert renderer.render("{{ types_of('x') }}", place) is None
    assert [found.location.short for found in renderer.diagnostics] == ["models/a.yml:3", "models/b.yml:1"]


@given(st.text(alphabet="{}%#|()[].,'\"~*+ -varxenf_ioltjs019", max_size=60))
def test_any_text_renders_or_is_told(text: str) -> None:
    result, diagnostics = rendered(text)
    assert result is not None or diagnostics or "{{" in text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ref('orders')", Reference("orders")),
        ("ref('package', 'orders')", Reference("orders")),
        ("ref('orders', v=2)", Reference("orders")),
        ("source('raw', 'orders')", Reference("orders", "raw")),
        ("{{ ref('orders') }}", Reference("orders")),
        ("var('year')", 2031),
        ("refund('x')", "refund('x')"),
    ],
)
def test_arguments_of_tests_may_call_without_braces(text: str, value: object) -> None:
    one = renderer()
    assert one.render_argument(text, PLACE) == value
    assert one.diagnostics == []
