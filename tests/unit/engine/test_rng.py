"""Random numbers by seed, name and row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbed.engine.rng import BLOCK, LARGEST, Stream, fractions

STREAM = Stream(20260101, "orders", "amount")


def rows(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


def test_words_never_change() -> None:
    """Every plan's rows depend on these: a change here is a new major version."""
    assert [hex(word) for word in STREAM.bits(rows(0, 1, 2**62, -1))] == [
        "0x56dd19a65adc4b9a",
        "0xfa250e0cfd6f693f",
        "0x752f7f45541f76fc",
        "0xb11e1986c89746e3",
    ]
    assert STREAM.permute(np.arange(7), 7).tolist() == [0, 4, 5, 6, 1, 3, 2]
    assert STREAM.permute(rows(0, 10**12 - 1), 10**12).tolist() == [59581387776, 49828625456]


def test_words_are_those_of_splitmix64() -> None:
    """The words of rows 1, 2, ... are the sequence of the published generator started at the key."""
    mask = 2**64 - 1
    state = int(STREAM._key)
    expected = []
    for _ in range(5):
        state = (state + 0x9E3779B97F4A7C15) & mask
        word = state
        word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & mask
        word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & mask
        expected.append(word ^ (word >> 31))
    assert STREAM.bits(rows(1, 2, 3, 4, 5)).tolist() == expected


def test_streams_are_told_apart_by_all_of_their_names() -> None:
    keys = {
        int(stream._key)
        for stream in (
            Stream(1, "a", "b"), Stream(1, "ab"), Stream(1, "b", "a"), Stream(1, "a"), Stream(1, "a", ""), Stream(1),
            Stream(2, "a", "b"), Stream(11, "a"), Stream(-1, "a"), Stream(1, "a", "b", "c"),
        )
    }  # fmt: skip
    assert len(keys) == 10
    assert Stream(1, "a").child("b") == Stream(1, "a", "b")
    assert hash(Stream(1, "a")) == hash(Stream(1, "a"))


def test_a_stream_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        STREAM.random_seed = 2  # type: ignore[misc]


@given(
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=30),
    st.integers(0, 30),
    st.integers(1, 3),
)
def test_values_depend_on_the_row_alone(numbers: list[int], cut: int, step: int) -> None:
    whole = rows(*numbers)
    for draw in (STREAM.bits, STREAM.uniform, lambda part: STREAM.below(part, 10**12)):
        values = draw(whole)
        assert np.array_equal(np.concatenate([draw(whole[:cut]), draw(whole[cut:])]), values)
        assert np.array_equal(draw(whole[::step]), values[::step])


def test_blocks_do_not_show() -> None:
    many = np.arange(3 * BLOCK + 17)
    for draw in (STREAM.bits, lambda part: STREAM.permute(part, len(many))):
        one_by_one = np.concatenate([draw(many[start : start + 1000]) for start in range(0, len(many), 1000)])
        assert np.array_equal(draw(many), one_by_one)


def test_uniform_numbers_keep_off_both_ends() -> None:
    low, high, middle = fractions(np.array([0, 2**64 - 1, 2**63], np.uint64))
    assert 0 < low < 1e-15
    assert high == 1 - low
    assert high < 1
    assert middle == pytest.approx(0.5)
    assert (STREAM.uniform(np.arange(2 * BLOCK)) == fractions(STREAM.bits(np.arange(2 * BLOCK)))).all()


@given(st.integers(1, 2**62), st.integers(0, 2**40))
def test_below_is_the_upper_half_of_the_product(n: int, row: int) -> None:
    word = int(STREAM.bits(rows(row))[0])
    assert STREAM.below(rows(row), n).tolist() == [word * n >> 64]
    assert STREAM.below(rows(row, row), rows(n, 1)).tolist() == [word * n >> 64, 0]


@given(st.integers(1, 3_000), st.integers(0, 5))
def test_a_permutation_sends_each_number_to_one_of_its_own(n: int, seed: int) -> None:
    sent = Stream(seed, "p").permute(np.arange(n), n)
    assert np.array_equal(np.sort(sent), np.arange(n))


@pytest.mark.parametrize("n", [65_536, 65_537, 99_999, 250_000, 510**2 + 1])
def test_larger_permutations(n: int) -> None:
    assert np.array_equal(np.sort(STREAM.permute(np.arange(n), n)), np.arange(n))


@pytest.mark.parametrize("n", [2**32 + 1, 10**15, LARGEST])
def test_permutations_too_large_to_list(n: int) -> None:
    some = np.unique(np.concatenate([np.arange(50_000), n - 1 - np.arange(50_000)]))
    sent = STREAM.permute(some, n)
    assert sent.min() >= 0
    assert sent.max() < n
    assert len(np.unique(sent)) == len(some)
    assert abs(sent.mean() / n - 0.5) < 0.01


def test_a_permutation_of_nothing() -> None:
    assert len(STREAM.permute(rows(), 0)) == 0


@pytest.mark.parametrize(("numbers", "n"), [((5,), 5), ((-1,), 5), ((0,), 0), ((0,), LARGEST + 1)])
def test_rows_outside_a_permutation_are_refused(numbers: tuple[int, ...], n: int) -> None:
    with pytest.raises(ValueError, match="permuted"):
        STREAM.permute(rows(*numbers), n)
