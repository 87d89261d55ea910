"""Makes texts."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from seedbed.engine.arrow import as_text, dictionary
from seedbed.engine.cells import Cells, Maker
from seedbed.engine.people import fake
from seedbed.engine.text import side_by_side
from seedbed.plan import kinds


def _fake(cells: Cells, generator: kinds.Fake) -> pa.Array:
    return fake(generator, cells.stream, cells.rows, cells.plan.locale)


def _template(cells: Cells, generator: kinds.Template) -> pa.Array:
    parts: list[pa.Array | str] = []
    for ordinal, piece in enumerate(re.split(kinds.Template.FIELDS, generator.template)):
        if ordinal % 2:
            parts.append(as_text(cells.value(piece)))
        elif piece:
            parts.append(piece)
    if all(isinstance(part, str) for part in parts):
        return dictionary(np.zeros(len(cells), np.int64), pa.array(["".join(parts)]))
    return side_by_side(*parts)


MAKERS: Mapping[type[kinds.Generator], Maker] = {
    kinds.Fake: _fake,
    kinds.Template: _template,
}
