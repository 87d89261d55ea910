"""What calls cost: estimated before, never more than allowed, and added up right."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedbed.authoring.client.calls import Message, Request, Usage
from seedbed.authoring.client.endpoint import Price
from seedbed.authoring.client.ledger import Entry, Ledger, estimate, estimate_prompt, estimate_tokens
from seedbed.authoring.client.outcomes import BudgetExceeded


def request(answer_tokens=100, max_tokens=1_000, text="x" * 400):
    return Request("columns", (Message("user", text),), {}, answer_tokens=answer_tokens, max_tokens=max_tokens)


def entry(tokens, **fields):
    return Entry("columns", 0, 0, Usage(tokens, 0, **fields))


@pytest.mark.parametrize(
    ("text", "json", "low", "high"),
    [
        ("", False, 0, 0),
        ("The customer's name, as it stands on the invoice.", False, 10, 15),
        ('{"table": "orders", "columns": [{"column": "id", "gen": "sequence()"}]}', True, 18, 28),
        ("顧客の名前と住所", False, 5, 12),
    ],
)
def test_estimates_are_near(text, json, low, high):
    assert low <= estimate_tokens(text, json=json) <= high


def test_a_lone_surrogate_can_be_estimated():
    assert estimate_tokens("\ud800") == 1


def test_the_line_before_the_first_call():
    assert str(estimate([request(), request()])) == "2 calls, about 210 tokens in, 200 out"
    assert str(estimate([])) == "0 calls, about 0 tokens in, 0 out"
    many = estimate([request(answer_tokens=16_000)])
    assert str(many) == "1 call, about 105 tokens in, 16k out"
    assert many.cost(Price(1.0, 10.0)) == pytest.approx(0.160105)


def test_the_line_after_the_last():
    ledger = Ledger()
    ledger.add(Entry("survey", 0, 0, Usage(1_000, 200, 400)))
    ledger.add(Entry("columns", 0, 0, Usage(), recorded=True))
    assert str(ledger.total) == "1 call, 1,000 tokens in, 200 out; 1 answered from the cache"
    assert ledger.total.cached == 400
    ledger.add(Entry("columns", 1, 0, Usage(10, 5, measured=False)))
    assert str(ledger.total).startswith("2 calls, about 1,010 tokens in")


def test_a_recorded_reply_costs_nothing():
    ledger = Ledger(max_tokens=300)
    for _ in range(5):
        ledger.add(Entry("columns", 0, 0, Usage(), recorded=True))
    with ledger.reserve(request(max_tokens=150)) as reservation:
        assert reservation.max_tokens == 150


def test_without_a_limit_all_is_allowed():
    with Ledger().reserve(request(max_tokens=10**9)) as reservation:
        assert reservation.max_tokens == 10**9


def test_the_limit_is_exact():
    needed = estimate_prompt(request()) + 100
    with Ledger(needed).reserve(request()) as reservation:
        assert reservation.max_tokens == 100
    with pytest.raises(BudgetExceeded, match="--max-tokens"), Ledger(needed - 1).reserve(request()):
        pass


def test_more_than_was_reserved_still_counts():
    ledger = Ledger(max_tokens=1_000)
    with ledger.reserve(request(max_tokens=300)) as reservation:
        ledger.add(entry(5_000), reservation)
    with pytest.raises(BudgetExceeded, match="0 are left"), ledger.reserve(request()):
        pass


def test_what_failed_is_given_back():
    ledger = Ledger(max_tokens=500)
    for _ in range(3):
        with pytest.raises(ValueError, match="oops"), ledger.reserve(request(max_tokens=350)):
            raise ValueError("oops")
    with ledger.reserve(request(max_tokens=350)) as reservation:
        assert reservation.max_tokens == 350


@given(st.integers(300, 3_000), st.lists(st.integers(0, 1_000), min_size=1, max_size=12), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_no_order_of_calls_passes_the_limit_or_waits_for_ever(limit, answers, threads):
    ledger = Ledger(limit)
    todo, lock = list(answers), threading.Lock()

    def run():
        while True:
            with lock:
                if not todo:
                    return
                answer = todo.pop()
            try:
                with ledger.reserve(request()) as reservation:
                    spent = min(answer, reservation.max_tokens)
                    ledger.add(Entry("columns", 0, 0, Usage(estimate_prompt(request()), spent)), reservation)
            except BudgetExceeded:
                return

    running = [threading.Thread(target=run, daemon=True) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(5)
        assert not thread.is_alive()
    assert sum(made.usage.total for made in ledger.entries) <= limit
