"""Starts other Python processes that work for this one, and ends them."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from typing import Any

_CODE = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from {} import serve; serve()"


def start(module: str, *arguments: str, **options: Any) -> subprocess.Popen[Any]:
    """A new interpreter that runs a module's `serve` and talks over its standard input and output.

    It imports from where this one does, whatever `PYTHON*` variables say. Ctrl-C in the terminal does not reach it: it
    ends when `stop` says so, or at the end of its input, which comes when this process ends in any way.

    Args:
        module: the module of `serve`.
        arguments: `sys.argv` from place 2 on.
        options: as of `subprocess.Popen`.

    Raises:
        OSError: no process can be started.
    """
    return subprocess.Popen(
        [sys.executable, "-I", "-c", _CODE.format(module), json.dumps(sys.path), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # what Windows has in place of a session
        **options,
    )


def stop(process: subprocess.Popen[Any]) -> None:
    """Ends a process at once, whatever it does."""
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):  # what it was told last may not have been sent
                stream.close()
