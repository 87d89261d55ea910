"""Keeps pandas out of a process that has no use for it."""

from __future__ import annotations


class WithoutPandas:
    """To Python's imports, a place that says there is no pandas.

    pyarrow looks for it when it makes its first array, and imports it: half a second of CPU time and 60 MB for what
    neither a command nor a worker process uses.
    """

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """
        Raises:
            ModuleNotFoundError: it is pandas that is asked for.
        """
        if name == "pandas":
            raise ModuleNotFoundError("this process does without pandas", name=name)
