"""Which LLM is asked, and with which key: read from the person's own environment, never from the project.

The key goes to whatever the base URL says. If a file of the project could set that, a pull request could steal it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seedbed.documents import Document
from seedbed.errors import AuthoringError, Diagnostic, Location, ProjectError, closest
from seedbed.yaml_text import read_yaml

OPENAI = "https://api.openai.com/v1"
REPLAY = "SEEDBED_LLM_REPLAY"
"""The variable that names a folder of recorded replies to take the place of the LLM."""
_RECORDED = "recorded"
_MODEL = re.compile(r"[!-~]{1,200}")
_HINT = "set SEEDBED_LLM_MODEL and SEEDBED_LLM_API_KEY, or write model and api_key into {}"


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens cost, in the person's currency."""

    prompt: float
    completion: float


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible server, one of its models, and how it is asked. No key is sent where there is none."""

    base_url: str
    model: str
    api_key: str | None = field(default=None, repr=False)
    temperature: float | None = None
    price: Price | None = None

    @property
    def host(self) -> str:
        """The server's name, with its port where the URL gives one."""
        return urlsplit(self.base_url).netloc.lower()

    @property
    def is_loopback(self) -> bool:
        """Whether the server is this machine."""
        return _is_loopback(urlsplit(self.base_url).hostname or "")


class _PriceEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    prompt: float = Field(ge=0, allow_inf_nan=False)
    completion: float = Field(ge=0, allow_inf_nan=False)


class _Settings(BaseModel):
    """The person's `llm.yml`."""

    model_config = ConfigDict(extra="forbid")

    base_url: str | None = None
    model: str | None = None
    api_key: str | None = None
    temperature: float | None = Field(default=None, ge=0, le=2, allow_inf_nan=False)
    price: _PriceEntry | None = None


def read_endpoint(environ: Mapping[str, str], config_home: Path) -> Endpoint:
    """The endpoint that the environment and the person's `llm.yml` describe; the environment comes first.

    A key is only sent to the endpoint that it was given for: `OPENAI_API_KEY` to OpenAI, and the file's key not to
    another host that the environment names. No key is needed on this machine, nor where replies are replayed.

    Args:
        environ: the process's environment.
        config_home: the folder of `llm.yml`, which need not exist.

    Raises:
        AuthoringError: no LLM is configured, or the settings cannot be used; with every problem at once.
    """
    path = config_home / "llm.yml"
    file = _read_settings(path)
    stated = {name: environ.get(f"SEEDBED_LLM_{name}", "") for name in ("BASE_URL", "MODEL", "API_KEY")}
    replays = bool(environ.get(REPLAY))
    base_url = (stated["BASE_URL"] or file.base_url or OPENAI).strip().rstrip("/")
    model = stated["MODEL"] or file.model or (_RECORDED if replays else "")
    found = list(_wrong_url(base_url))
    parts = _split(base_url)
    key = stated["API_KEY"]
    if not key and file.api_key and _same_host(base_url, file.base_url or OPENAI):
        key = file.api_key
    if not key and _is_openai(parts):
        key = environ.get("OPENAI_API_KEY", "")
    if key:
        found += _wrong_key(key)
    elif not found and not replays and not _is_loopback(parts.hostname or ""):
        found.append(_no_key(parts, path, bool(environ.get("OPENAI_API_KEY")), bool(file.api_key)))
    if not model:
        found.append(Diagnostic("llm-no-model", "no model is named", hint=_HINT.format(path)))
    elif not _MODEL.fullmatch(model):
        found.append(Diagnostic("llm-model", "the model's name holds spaces or characters that no model's name has"))
    if found:
        raise AuthoringError("The LLM cannot be asked.", found)
    price = Price(file.price.prompt, file.price.completion) if file.price else None
    return Endpoint(base_url, model, key or None, file.temperature, price)


def _read_settings(path: Path) -> _Settings:
    try:
        document = read_yaml(path.read_text(encoding="utf-8"), str(path), strict=True)
    except FileNotFoundError:
        return _Settings()
    except ProjectError as error:
        raise AuthoringError(f"{path} cannot be used.", error.diagnostics) from None
    except (OSError, UnicodeDecodeError) as error:
        raise AuthoringError(f"{path} cannot be read: {error}") from None
    if document.value is None:
        return _Settings()
    try:
        return _Settings.model_validate(document.value)
    except ValidationError as error:
        raise AuthoringError(f"{path} cannot be used.", list(_spoken(error, document))) from None


def _spoken(error: ValidationError, document: Document) -> Iterator[Diagnostic]:
    for problem in error.errors(include_url=False, include_input=False):
        path = problem["loc"]
        if problem["type"] == "extra_forbidden":
            known = (*_Settings.model_fields, *_PriceEntry.model_fields)
            hint = closest(str(path[-1]), known) or f"known are {', '.join(_Settings.model_fields)}"
            yield Diagnostic("llm-setting", f'there is no setting "{path[-1]}"', document.location(*path), hint=hint)
        else:  # the message names what was expected and not the value, which may be a key
            yield Diagnostic("llm-setting", problem["msg"], document.location(*path))


def _wrong_url(url: str) -> Iterator[Diagnostic]:
    def wrong(message: str, hint: str) -> Diagnostic:
        return Diagnostic("llm-base-url", message, Location(path="SEEDBED_LLM_BASE_URL"), hint=hint)

    example = f"a base URL is for example {OPENAI} or http://localhost:11434/v1"
    parts = _split(url)
    if not re.fullmatch(r"[!-~]+", url):
        yield wrong("the base URL holds spaces, line breaks or characters outside ASCII", example)
    elif parts.scheme not in ("http", "https") or not parts.hostname:
        yield wrong("the base URL does not begin with https:// and a host", example)
    elif "@" in parts.netloc:
        yield wrong("the base URL holds a user name or password", "the key belongs into SEEDBED_LLM_API_KEY")
    elif parts.query or parts.fragment:
        yield wrong("the base URL holds a query or fragment, which would be lost", example)
    elif parts.path.endswith("/completions"):
        yield wrong("this is the URL of one method", f"the base URL ends before it, for example {OPENAI}")
    elif parts.scheme == "http" and not _is_loopback(parts.hostname):
        yield wrong(
            f"http:// would send the key and the prompts unencrypted to {parts.hostname}",
            "use https://; http:// is for servers on this machine, such as http://localhost:11434/v1",
        )


def _wrong_key(key: str) -> Iterator[Diagnostic]:
    if not re.fullmatch(r"[!-~]+", key):
        what = "a line break" if re.search(r"[\r\n]", key) else "a space" if " " in key else "a character no key has"
        yield Diagnostic(
            "llm-api-key",
            f"the API key holds {what}",
            hint="copy it again; a key that was read from a file often ends in a line break",
        )


def _no_key(parts: SplitResult, path: Path, has_openai_key: bool, has_file_key: bool) -> Diagnostic:
    hint = _HINT.format(path)
    message = f"there is no API key for {parts.hostname}"
    if has_openai_key:
        message += ": OPENAI_API_KEY is only ever sent to OpenAI"
    elif has_file_key:
        message += f": the one in {path} was given for another host"
    return Diagnostic("llm-no-key", message, hint=f"{hint}; any word does where the server needs no key")


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:  # such as a port that is no number
        return SplitResult("", "", "", "", "")
    return parts


def _same_host(one: str, other: str) -> bool:
    first, second = _split(one), _split(other)
    return (first.scheme, first.netloc.lower()) == (second.scheme, second.netloc.lower())


def _is_openai(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    return parts.scheme == "https" and (host == "api.openai.com" or host.endswith(".api.openai.com"))


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
