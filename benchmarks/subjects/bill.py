"""What an LLM is asked and answers to plan the wide project, from recorded replies: `bill.py FOLDER`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from recorded import REPLIES, answered
from seedbed.authoring.client.ledger import estimate_prompt, estimate_tokens


def _text(key: str) -> str:
    content = json.loads((REPLIES / key[:2] / f"{key}.json").read_text(encoding="utf-8"))["content"]
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


if __name__ == "__main__":
    result = answered("fifty", Path(sys.argv[1]), REPLIES)
    print(
        json.dumps(
            {
                "calls": len(result.used),
                "tokens_in": sum(map(estimate_prompt, result.used.values())),
                "tokens_out": sum(estimate_tokens(_text(key), json=True) for key in result.used),
                "asked": result.summary.asked,
                "decided": result.summary.decided,
            }
        )
    )
