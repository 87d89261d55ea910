"""The door to the `openai` package opens only when somebody goes through it."""

import subprocess
import sys

CALL = """
from seedbed.authoring.client.calls import Message, Request
from seedbed.authoring.client.client import Client
from seedbed.authoring.client.endpoint import Endpoint
from seedbed.authoring.client.ledger import Ledger
from seedbed.authoring.client.replies import CachedReplies
from pathlib import Path

endpoint = Endpoint("http://127.0.0.1:9/v1", "m")
request = Request("columns", (Message("user", "How many?"),), {})
"""


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_cached_reply_needs_no_openai(tmp_path):
    code = f"""
import sys
sys.modules["openai"] = None  # as if it were not installed
{CALL}
replies = CachedReplies(Path({str(tmp_path)!r}))
replies.keep(request, endpoint, "kept")
with Client(endpoint, replies, Ledger()) as client:
    print(client.complete(request).text)
"""
    assert run(code).strip() == "kept"


def test_without_openai_the_cure_is_named(tmp_path):
    code = f"""
import sys
sys.modules["openai"] = None
{CALL}
from seedbed.errors import AuthoringError
try:
    with Client(endpoint, CachedReplies(Path({str(tmp_path)!r})), Ledger()) as client:
        client.complete(request)
except AuthoringError as error:
    print(error)
"""
    assert "pip install 'dbt-seedbed[llm]'" in run(code)


def test_importing_the_client_imports_no_openai():
    assert run(f"import sys\n{CALL}\nprint([name for name in ('openai', 'httpx2') if name in sys.modules])") == "[]\n"
