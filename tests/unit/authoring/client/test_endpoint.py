"""Which LLM is asked: settings from the person, and a key that goes only where it belongs."""

from pathlib import Path

import pytest

from seedbed.authoring.client.endpoint import OPENAI, Endpoint, Price, read_endpoint
from seedbed.errors import AuthoringError
from seedbed.homes import cache_home, config_home

MODEL = {"SEEDBED_LLM_MODEL": "some-model"}


def endpoint(tmp_path, settings="", **environ):
    if settings:
        (tmp_path / "llm.yml").write_text(settings, encoding="utf-8")
    own = {name if name.startswith("OPENAI") else f"SEEDBED_LLM_{name}": value for name, value in environ.items()}
    return read_endpoint(own, tmp_path)


def problems(tmp_path, settings="", **environ):
    with pytest.raises(AuthoringError) as caught:
        endpoint(tmp_path, settings, **environ)
    return caught.value


def test_openai_with_its_own_key(tmp_path):
    read = endpoint(tmp_path, MODEL="gpt", OPENAI_API_KEY="sk-1")
    assert read == Endpoint(OPENAI, "gpt", "sk-1")
    assert read.host == "api.openai.com"


@pytest.mark.parametrize("url", ["https://eu.api.openai.com/v1", "https://API.openai.com/v1/"])
def test_the_other_addresses_of_openai(tmp_path, url):
    assert endpoint(tmp_path, MODEL="gpt", BASE_URL=url, OPENAI_API_KEY="sk-1").api_key == "sk-1"


@pytest.mark.parametrize(
    "url",
    [
        "https://llm.test/v1",
        "https://api.openai.com.evil.test/v1",
        "https://evil-api.openai.com.test",
        "https://notapi.openai.com/v1",
    ],
)
def test_openais_key_goes_nowhere_else(tmp_path, url):
    error = problems(tmp_path, MODEL="gpt", BASE_URL=url, OPENAI_API_KEY="sk-1")
    assert [found.code for found in error.diagnostics] == ["llm-no-key"]
    assert "only ever sent to OpenAI" in str(error)
    assert "sk-1" not in str(error)


def test_nor_to_this_machine(tmp_path):
    assert endpoint(tmp_path, MODEL="x", BASE_URL="http://localhost:11434/v1", OPENAI_API_KEY="sk-1").api_key is None


def test_our_own_key_goes_first(tmp_path):
    assert endpoint(tmp_path, MODEL="x", API_KEY="ours", OPENAI_API_KEY="sk-1").api_key == "ours"


def test_the_file(tmp_path):
    settings = "base_url: https://llm.test/v1/\nmodel: 'm:7b'\napi_key: k\ntemperature: 0.5\n"
    settings += "price: {prompt: 0.25, completion: 2}\n"
    assert endpoint(tmp_path, settings) == Endpoint("https://llm.test/v1", "m:7b", "k", 0.5, Price(0.25, 2))


def test_the_environment_goes_before_the_file(tmp_path):
    read = endpoint(tmp_path, "model: one\napi_key: k\nbase_url: https://llm.test/v1\n", MODEL="two", API_KEY="mine")
    assert (read.model, read.api_key, read.base_url) == ("two", "mine", "https://llm.test/v1")


def test_the_files_key_stays_with_its_host(tmp_path):
    settings = "model: one\napi_key: private\nbase_url: https://llm.test/v1\n"
    error = problems(tmp_path, settings, BASE_URL="https://elsewhere.test/v1")
    assert "was given for another host" in str(error)
    assert "private" not in str(error)
    assert endpoint(tmp_path, BASE_URL="https://llm.test/v2").api_key == "private"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ("basurl: x", "did you mean base_url?"),
        ("model: 7", "llm.yml:1:1"),
        ("temperature: 9", "less than or equal to 2"),
        ("api_key: [k3y]", "valid string"),
        ("- a", "cannot be used"),
        ("model: a\nmodel: b", "stands twice"),
        ("price: {input: 1}", "prompt"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path, settings, says):
    (tmp_path / "llm.yml").write_text(settings, encoding="utf-8")
    with pytest.raises(AuthoringError) as caught:
        read_endpoint({}, tmp_path)
    assert says in str(caught.value)
    assert "k3y" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("api.openai.com/v1", "does not begin with https://"),
        ("ftp://llm.test", "does not begin with https://"),
        ("https://", "does not begin with https://"),
        ("https://llm.test:port/v1", "does not begin with https://"),
        ("http://llm.test/v1", "unencrypted"),
        ("http://localhost.evil.test/v1", "unencrypted"),
        ("http://192.168.0.7:11434/v1", "unencrypted"),
        ("http://127.0.0.1.nip.test/v1", "unencrypted"),
        ("https://key@llm.test/v1", "user name"),
        ("https://llm.test/v1?key=1", "query"),
        ("https://llm.test/v1#x", "query or fragment"),
        ("https://llm.test/v1/chat/completions", "ends before it"),
        ("https://llm.test/\nv1", "line breaks"),
        ("https://llm.tést/v1", "outside ASCII"),
    ],
)
def test_wrong_urls(tmp_path, url, says):
    error = problems(tmp_path, MODEL="x", API_KEY="secret-key", BASE_URL=url)
    assert {found.code for found in error.diagnostics} == {"llm-base-url"}
    assert says in str(error)
    assert "secret-key" not in str(error)


@pytest.mark.parametrize(
    "url", ["http://localhost:1/v1", "http://127.0.0.1/v1", "http://[::1]:11434/v1", "http://a.localhost"]
)
def test_servers_on_this_machine_need_neither_tls_nor_key(tmp_path, url):
    read = endpoint(tmp_path, MODEL="x", BASE_URL=url)
    assert read.is_loopback
    assert read.api_key is None


@pytest.mark.parametrize(
    ("key", "says"),
    [("k3y\n", "a line break"), ("k3y z", "a space"), ("schlüssel", "no key has"), ("\x00k", "no key has")],
)
def test_wrong_keys(tmp_path, key, says):
    error = problems(tmp_path, MODEL="x", API_KEY=key)
    assert [found.code for found in error.diagnostics] == ["llm-api-key"]
    assert says in str(error)
    assert "k3y" not in str(error)
    assert "schl" not in str(error)


def test_all_problems_at_once(tmp_path):
    error = problems(tmp_path, MODEL="two words", API_KEY="a\nb", BASE_URL="nowhere")
    assert [found.code for found in error.diagnostics] == ["llm-base-url", "llm-api-key", "llm-model"]


def test_nothing_configured_says_what_to_do(tmp_path):
    error = problems(tmp_path)
    assert {found.code for found in error.diagnostics} == {"llm-no-key", "llm-no-model"}
    assert "SEEDBED_LLM_MODEL" in str(error)
    assert str(tmp_path / "llm.yml") in str(error)


def test_replaying_needs_neither_key_nor_model(tmp_path):
    read = endpoint(tmp_path, REPLAY=str(tmp_path))
    assert (read.base_url, read.model, read.api_key) == (OPENAI, "recorded", None)


def test_a_project_cannot_say_where_the_key_goes(tmp_path, monkeypatch):
    project = tmp_path / "project"
    project.mkdir()
    for name in ("llm.yml", "seedbed.yml", ".env"):
        (project / name).write_text("base_url: https://evil.test/v1\n", encoding="utf-8")
    monkeypatch.chdir(project)
    person = tmp_path / "home"
    monkeypatch.setenv("HOME", str(person))
    for home in (config_home({"XDG_CONFIG_HOME": str(person)}), config_home({"XDG_CONFIG_HOME": "."})):
        assert project not in home.parents
        assert read_endpoint({**MODEL, "SEEDBED_LLM_API_KEY": "k"}, home).base_url == OPENAI


def test_places():
    assert config_home({"XDG_CONFIG_HOME": "/settings"}) == Path("/settings/seedbed")
    assert config_home({}) == Path.home() / ".config" / "seedbed"
    assert cache_home({"XDG_CACHE_HOME": "/kept"}) == Path("/kept/seedbed/llm")
    assert cache_home({"XDG_CACHE_HOME": "relative"}) == Path.home() / ".cache" / "seedbed" / "llm"


def test_the_key_is_not_shown():
    assert "sk-1" not in repr(Endpoint(OPENAI, "gpt", "sk-1"))
