"""The kinds of generator: how one column's values can arise, with the parameters of each and their units.

A closed set: the classes in `KINDS`. Each validates its arguments and writes itself as the
short string that stands in a plan; `generators.py` reads such a string.
"""

from __future__ import annotations

from collections.abc import Mapping

from seedbed.plan.kinds.base import MAX_VALUES, Drawn, Generator, Share, Temporal, parse_duration
from seedbed.plan.kinds.cases import CaseBy
from seedbed.plan.kinds.derived import Copy, Ordinal, Pool, Rollup, Sql, Template
from seedbed.plan.kinds.keys import HashKey, Pattern, Sequence, Uuid
from seedbed.plan.kinds.moments import After, Calendar, Date, Time, Timestamp
from seedbed.plan.kinds.numbers import (
    Empirical,
    Exponential,
    Integer,
    Lognormal,
    Normal,
    Number,
    Poisson,
    Uniform,
    Zipf,
)
from seedbed.plan.kinds.records import ARRIVED, DELETED, ChangedAt, DeletedAt, IsDeleted, LoadedAt
from seedbed.plan.kinds.references import DateKey, During, ForeignKey, Lifecycle, Version
from seedbed.plan.kinds.rhythmic import MomentRhythm
from seedbed.plan.kinds.values import Boolean, Choice, ChoiceBy, Constant, Each, Fake

__all__ = [
    "ARRIVED",
    "COUNT_KINDS",
    "DELETED",
    "KINDS",
    "MAX_VALUES",
    "After",
    "Boolean",
    "Calendar",
    "CaseBy",
    "ChangedAt",
    "Choice",
    "ChoiceBy",
    "Constant",
    "Copy",
    "Date",
    "DateKey",
    "DeletedAt",
    "Drawn",
    "During",
    "Each",
    "Empirical",
    "Exponential",
    "Fake",
    "ForeignKey",
    "Generator",
    "HashKey",
    "Integer",
    "IsDeleted",
    "Lifecycle",
    "LoadedAt",
    "Lognormal",
    "MomentRhythm",
    "Normal",
    "Number",
    "Ordinal",
    "Pattern",
    "Poisson",
    "Pool",
    "Rollup",
    "Sequence",
    "Share",
    "Sql",
    "Template",
    "Temporal",
    "Time",
    "Timestamp",
    "Uniform",
    "Uuid",
    "Version",
    "Zipf",
    "parse_duration",
]

KINDS: Mapping[str, type[Generator]] = {
    cls.kind: cls
    for cls in (
        Constant, Sequence, Uuid, HashKey, Pattern, Each, Choice, ChoiceBy, CaseBy, Integer, Uniform, Normal, Lognormal,
        Exponential, Empirical, Poisson, Zipf, Boolean, Date, Timestamp, Time, Fake, Template, Pool, Sql, Copy, After,
        Calendar, Ordinal, Rollup, ForeignKey, DateKey, Version, During, Lifecycle, ChangedAt, LoadedAt,
        DeletedAt, IsDeleted,
    )
}  # fmt: skip
"""Every kind of generator by the name that it has in a plan."""

COUNT_KINDS = ("constant", "poisson", "choice", "integer", "boolean", "zipf")
"""The kinds that can say how many children a row has."""
