"""Renders generic tests in the dbt project of the working directory and says how each was refused.

Reads JSON `[[test, arguments], ...]`, writes JSON `[message or null, ...]` to the file that the first argument
names. One process for all, because starting dbt costs far more than rendering.
"""

import json
import sys
from pathlib import Path

from dbt.cli.main import dbtRunner
from dbt_common.events.base_types import EventMsg


def main(answers: Path) -> None:
    manifest = dbtRunner().invoke(["--quiet", "parse"]).result
    errors: list[str] = []

    def keep_errors(event: EventMsg) -> None:
        if event.info.level == "error":
            errors.append(event.info.msg)

    runner = dbtRunner(manifest=manifest, callbacks=[keep_errors])
    messages: list[str | None] = []
    for test, arguments in json.load(sys.stdin):
        errors.clear()
        call = json.dumps({"test": test, "arguments": arguments})
        runner.invoke(["--quiet", "run-operation", "render_test", "--args", call])
        messages.append("\n".join(errors) or None)
    answers.write_text(json.dumps(messages), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
