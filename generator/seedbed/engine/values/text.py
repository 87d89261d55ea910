"""Makes texts."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from seedbed.engine.arrow import as_text, dictionary
from seedbed.engine.cells import Cells, Int64s, Maker
from seedbed.engine.people import fake
from seedbed.engine.text import choice, side_by_side, woven
from seedbed.plan import kinds
from seedbed.plan.text_pools import Stratum, TextPool, spoken_stratum

Bools = npt.NDArray[np.bool_]


def _fake(cells: Cells, generator: kinds.Fake) -> pa.Array:
    room = cells.column.data_type.length
    return fake(generator, cells.stream, cells.rows, cells.plan.locale, room, cells.shared)


def _template(cells: Cells, generator: kinds.Template) -> pa.Array:
    parts: list[pa.Array | str] = []
    for ordinal, piece in enumerate(re.split(kinds.Template.FIELDS, generator.template)):
        if ordinal % 2:
            parts.append(as_text(cells.value(piece), packed=True))
        elif piece:
            parts.append(piece)
    if all(isinstance(part, str) for part in parts):
        return dictionary(np.zeros(len(cells), np.int64), pa.array(["".join(parts)], pa.string()))
    return side_by_side(*parts)


def _pool(cells: Cells, generator: kinds.Pool) -> pa.Array:
    """A text of each row's stratum. Slots are filled for all rows at once, however many texts there are."""
    pool = cells.plan.pools[generator.name]
    codes, missing = _drawn_texts(cells, generator, pool)
    if not pool.slots:
        indices = pa.array(codes.astype(np.int32), mask=missing)
        return pa.DictionaryArray.from_arrays(indices, pa.array(map(str, pool.texts), pa.string()))
    # What texts are made of: null for no text, nothing, the words, and each slot's value in each row.
    words = (piece for text in pool.texts for piece in text.pieces[::2])
    place = {piece: number for number, piece in enumerate(dict.fromkeys((None, "", *words)))}
    rows, first_value = len(cells), len(place)
    pieces = np.full((len(pool.texts), max(len(text.pieces) for text in pool.texts)), place[""], np.int32)
    in_row = np.zeros_like(pieces[:, 1::2])
    for number, text in enumerate(pool.texts):
        pieces[number, : len(text.pieces) : 2] = [place[piece] for piece in text.pieces[::2]]
        pieces[number, 1 : len(text.pieces) : 2] = [first_value + rows * pool.slots.index(slot) for slot in text.slots]
        in_row[number, : len(text.slots)] = 1
    places = pieces.take(codes, axis=0)
    places[:, 1::2] += in_row.take(codes, axis=0) * np.arange(rows, dtype=np.int32)[:, None]
    places[missing] = place[None]
    # Of a slot whose values are few, only these are held.
    texts, at = [pa.array(list(place), pa.string())], [np.arange(first_value, dtype=np.int32)]
    for slot in pool.slots:
        held, chosen = choice(as_text(cells.value(slot), packed=True), rows)
        at.append(chosen + np.int32(sum(map(len, texts))))
        texts.append(held)
    return woven(pa.concat_arrays(texts), np.concatenate(at).take(places))


def _drawn_texts(cells: Cells, generator: kinds.Pool, pool: TextPool) -> tuple[Int64s, Bools]:
    """For each row the place of its text in the pool; and where there is none, because a value of `by` is null."""
    stratum_of, strata = _strata(cells, generator)
    there = pool.by_stratum(generator.by)
    members: list[list[int]] = []
    for stratum in strata:
        texts = there.get(stratum) or there.get(())
        if texts is None and None not in stratum:
            spoken = spoken_stratum(dict(zip(generator.by, stratum, strict=True)))
            raise ValueError(f"{pool.file} has no text for {spoken}; add one, or a line without a stratum")
        members.append(texts or [])
    if len(members) == 1 and members[0]:
        alike = np.array(members[0], np.int64)
        return alike.take(cells.stream.below(cells.rows, len(alike))), np.zeros(len(cells), np.bool_)
    counts = np.array([len(texts) for texts in members], np.int64)
    first = np.cumsum(counts) - counts
    missing = (counts == 0)[stratum_of]
    places = first[stratum_of] + cells.stream.below(cells.rows, np.maximum(counts, 1)[stratum_of])
    flat = np.array([*(place for texts in members for place in texts), 0], np.int64)
    return flat[np.where(missing, -1, places)], missing


def _strata(cells: Cells, generator: kinds.Pool) -> tuple[Int64s, list[Stratum]]:
    """The stratum of each row, as its place among those that occur."""
    places, strata = np.zeros(len(cells), np.int64), list[Stratum]([()])
    for path in generator.by:
        encoded = pc.dictionary_encode(as_text(cells.value(path)), null_encoding="encode")
        values = encoded.dictionary.to_pylist()
        combined = places * len(values) + encoded.indices.to_numpy(zero_copy_only=False)
        found, places = np.unique(combined, return_inverse=True)
        strata = [(*strata[code // len(values)], values[code % len(values)]) for code in found]
    return places, strata


MAKERS: Mapping[type[kinds.Generator], Maker] = {
    kinds.Fake: _fake,
    kinds.Template: _template,
    kinds.Pool: _pool,
}
