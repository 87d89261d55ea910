"""The gate lets through what a server bears: fewer after a refusal, more while all goes well."""

import threading
import time

import pytest

from seedbed.authoring.client.gate import Gate


def most_at_once(gate, threads=8):
    """How many threads are inside together when many want to."""
    inside = most = 0
    lock = threading.Lock()

    def run():
        nonlocal inside, most
        with gate.admitted():
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.02)
            with lock:
                inside -= 1

    running = [threading.Thread(target=run) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(5)
    return most


def refuse(gate, seconds=0.0):
    with gate.admitted() as admitted:
        return gate.pause(seconds, admitted)


def test_no_more_than_its_width():
    assert most_at_once(Gate(3, 0.01)) == 3


def test_a_refusal_halves_and_good_answers_add_one():
    gate = Gate(8, 0.01)
    refuse(gate)
    assert most_at_once(gate) == 4
    refuse(gate)
    assert most_at_once(gate) == 2
    for _ in range(20):
        gate.answered()
    assert most_at_once(gate) == 4


def test_it_never_closes_for_good_nor_opens_too_wide():
    gate = Gate(2, 0.01)
    for _ in range(5):
        refuse(gate)
    assert most_at_once(gate) == 1
    for _ in range(100):
        gate.answered()
    assert most_at_once(gate) == 2


def test_the_refusals_of_one_burst_count_once():
    gate = Gate(8, 0.01)
    entered = [gate.admitted() for _ in range(8)]
    moments = [place.__enter__() for place in entered]
    for place, moment in zip(entered, moments, strict=True):
        gate.pause(0.0, moment)
        place.__exit__(None, None, None)
    assert most_at_once(gate) == 4


def test_a_pause_holds_everybody():
    gate = Gate(4, 0.01)
    began = time.monotonic()
    refuse(gate, 0.15)
    assert most_at_once(gate) == 2
    assert 0.15 <= time.monotonic() - began < 1


def test_a_shorter_pause_does_not_end_a_longer_one():
    gate = Gate(4, 0.01)
    began = time.monotonic()
    with gate.admitted() as one, gate.admitted() as other:
        gate.pause(0.2, one)
        gate.pause(0.01, other)
    with gate.admitted():
        assert time.monotonic() - began >= 0.2


def test_pauses_without_a_length_double_until_an_answer():
    gate = Gate(4, 0.01)
    assert [refuse(gate, None) for _ in range(3)] == pytest.approx([0.01, 0.02, 0.04])
    gate.answered()
    assert refuse(gate, None) == pytest.approx(0.01)


def test_what_fails_inside_gives_its_place_back():
    gate = Gate(1, 0.01)
    with pytest.raises(ValueError, match="oops"), gate.admitted():
        raise ValueError("oops")
    with gate.admitted():
        pass
