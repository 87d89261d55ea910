"""The command line as a process: `seedbed`, and `python -m seedbed` where the command is not on the path."""

from __future__ import annotations

import sys

from seedbed.errors import INTERRUPTED, STOPPED


class WithoutPandas:
    """To Python's imports, a place that says there is no pandas.

    pyarrow looks for it when it makes its first array, and imports it: half a second of CPU time and 60 MB for what no
    command uses.
    """

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """
        Raises:
            ModuleNotFoundError: it is pandas that is asked for.
        """
        if name == "pandas":
            raise ModuleNotFoundError("the command line does without pandas", name=name)


def run() -> None:
    """Runs the command that the arguments name, and ends the process."""
    sys.meta_path.insert(0, WithoutPandas)
    try:
        from seedbed.cli import main  # noqa: PLC0415 - takes so long that Ctrl-C may come meanwhile

        main(prog_name="seedbed")
    except KeyboardInterrupt:
        print(STOPPED, file=sys.stderr)
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    run()
