"""What tests of the command line share."""

import pytest

from llm_server import LlmServer


@pytest.fixture
def serve(monkeypatch):
    """Starts an LLM that answers by a script, and has the environment name it."""

    def use(*script):
        server = LlmServer(*script)
        monkeypatch.setenv("SEEDBED_LLM_BASE_URL", server.url)
        monkeypatch.setenv("SEEDBED_LLM_MODEL", "m")
        return server

    return use
