"""Kinds that speak of the row as a record: when it changed, when it could be read, whether it is deleted."""

from __future__ import annotations

from seedbed.plan.kinds.base import Generator

ARRIVED, DELETED = "@arrived", "@deleted"
"""The hidden columns with the moment at which a row can first be read, and at which it is deleted."""


class ChangedAt(Generator):
    """When the row last changed in its source: it came to be, its lifecycle moved on, a date became known, a child
    was added to a roll-up, it was deleted.

    What dbt's timestamp snapshots and incremental filters read. `of` is the column with the moment since when the row
    is there, for tables in which nothing else says that; else it is the plan's first day.
    """

    kind = "changed_at"
    positional = ("of",)
    of: str | None = None


class LoadedAt(Generator):
    """When the row, as it now is, could first be read: as `changed_at`, but not before a late row (`arrives:`) came."""

    kind = "loaded_at"
    positional = ("of",)
    of: str | None = None


class DeletedAt(Generator):
    """When the row was deleted, by the table's `deletes:`; null while it is not."""

    kind = "deleted_at"


class IsDeleted(Generator):
    """Whether the row is deleted, by the table's `deletes:`."""

    kind = "is_deleted"
