"""The command line as a process: `seedbed`, and `python -m seedbed` where the command is not on the path."""

from __future__ import annotations

import os
import sys

from seedbed.errors import INTERRUPTED, STOPPED
from seedbed.without_pandas import WithoutPandas


def run() -> None:
    """Runs the command that the arguments name, and ends the process."""
    sys.meta_path.insert(0, WithoutPandas)
    # numpy would start a thread for each processor, for matrices larger than any here.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        from seedbed.cli import main  # noqa: PLC0415 - takes so long that Ctrl-C may come meanwhile

        main(prog_name="seedbed")
    except KeyboardInterrupt:
        print(STOPPED, file=sys.stderr)
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    run()
