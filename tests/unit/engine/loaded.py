"""What a process has loaded, asked from within."""

import sys

import pyarrow as pa


def loaded_modules(batch: pa.RecordBatch) -> frozenset[str]:
    return frozenset(sys.modules)


def without_validator(batch: pa.RecordBatch) -> frozenset[str]:
    """The kinds of generator that cannot read their arguments yet."""
    from seedbed.plan.kinds import KINDS  # noqa: PLC0415 - not with this module, which the other process imports

    return frozenset(kind for kind, found in KINDS.items() if not found.__pydantic_complete__)
