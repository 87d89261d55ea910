"""Moves through states of which nothing but a list is known."""

import datetime as dt

import pytest

from seedbed.authoring.baseline.author import author_plan
from seedbed.authoring.baseline.stages import likely_moves
from worlds import schema_from

STAY = {"[*]": 0.9}


@pytest.mark.parametrize(
    ("states", "moves"),
    [
        (["open", "closed"], {"open": {"closed": 1}}),
        (["active", "churned"], {"active": {"churned": 1}}),
        (["submitted", "rejected", "withdrawn"], {"submitted": {"rejected": 0.5, "withdrawn": 0.5}}),
        (["reported", "approved", "rejected"], {"reported": {"approved": 0.9, "rejected": 0.1}}),
        # What other states follow is no end, whatever it is called.
        (["placed", "paid", "shipped"], {"placed": {"paid": 1}, "paid": {"shipped": 1}}),
        (
            ["placed", "shipped", "delivered", "order_cancelled", "returned"],
            {
                "placed": {"shipped": 0.9, "order_cancelled": 0.1},
                "shipped": {"delivered": 0.9, "order_cancelled": 0.1},
                "delivered": {"returned": 0.1, **STAY},
            },
        ),
        (
            ["new", "working", "resolved", "closed", "rejected", "re-opened"],
            {
                "new": {"working": 0.9, "rejected": 0.1},
                "working": {"resolved": 0.9, "rejected": 0.1},
                "resolved": {"closed": 1},
                "closed": {"re-opened": 0.1, **STAY},
                "rejected": {"re-opened": 0.1, **STAY},
                "re-opened": {"working": 1},
            },
        ),
        (["draft", "reopened"], {"draft": {"reopened": 1}}),
        (["cancelled", "other"], {"cancelled": {"other": 1}}),
    ],
    ids=lambda value: ", ".join(value) if isinstance(value, list) else "",
)
def test_states_move_in_their_order_to_ends_that_are_called_so(states, moves):
    assert likely_moves(states) == moves


def test_every_state_is_reached_and_shares_sum_to_1():
    states = ["filed", "in review", "approved", "paid", "denied", "cancelled", "reopened", "refunded"]
    moves = likely_moves(states)
    assert {after for row in moves.values() for after in row} == {*states[1:], "[*]"}
    assert all(sum(row.values()) == pytest.approx(1) for row in moves.values())


def test_a_history_has_the_states_that_its_entity_lists(tmp_path):
    schema = schema_from(
        tmp_path,
        """
        seeds:
          - name: loans
            columns:
              - {name: loan_id}
              - {name: status, data_tests: [accepted_values: {arguments: {values: [asked, lent, back]}}]}
          - name: loan_status_history
            columns:
              - {name: loan_id, data_tests: [relationships: {arguments: {to: ref('loans'), field: loan_id}}]}
              - {name: status}
              - {name: valid_from, data_type: timestamp}
              - {name: valid_to, data_type: timestamp}
        """,
    )
    plan, _ = author_plan(schema, today=dt.date(2026, 7, 14))
    history = plan.tables["loan_status_history"].history
    assert history is not None
    assert history.states == ("asked", "lent", "back")
    assert str(plan.tables["loans"].columns["status"].generator) == "lifecycle('loan_status_history', 'state')"
