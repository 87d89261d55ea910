"""What an LLM is asked and answers to plan the wide project, from recorded replies: `bill.py FOLDER`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from recorded import REPLIES, answered

if __name__ == "__main__":
    _, _, summary = answered("fifty", Path(sys.argv[1]), REPLIES)
    total = summary.total
    print(
        json.dumps(
            {
                "calls": total.calls, "tokens_in": total.prompt, "tokens_out": total.completion,
                "asked": summary.asked, "decided": summary.decided,
            }
        )
    )  # fmt: skip
