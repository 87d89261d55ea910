"""The one door to the `openai` package: a payload goes out, an answer or a complaint comes back.

The SDK brings the protocol's address, TLS, proxies and typed errors. Its retries (each call for itself), its
redirects (which take the prompt along), its parsing (which loses answers) and its variables (`OPENAI_ORG_ID`,
`OPENAI_CUSTOM_HEADERS`, ..., which go to any server) stay out.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import re
import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

from seedbed.authoring.client.calls import Limits
from seedbed.authoring.client.endpoint import Endpoint
from seedbed.authoring.client.outcomes import Complaint, Unavailable, may_pass
from seedbed.authoring.client.wire import Answer, has_ended, read_body, read_error
from seedbed.errors import AuthoringError

_SENT = ("host", "connection", "accept", "content-type", "content-length", "transfer-encoding", "user-agent")
_STARTED = "seedbed.started"
_CERTIFICATES = (
    "the certificate of the server cannot be checked. In a slim image, install ca-certificates; behind a company's "
    "proxy, set SSL_CERT_FILE to its certificate"
)


class _Overlong(Exception):
    """A response passed the deadline or the size limit."""


class Connection:
    """The way to one endpoint; threads may share it. Close it, or use it in a `with` statement."""

    def __init__(self, endpoint: Endpoint, limits: Limits) -> None:
        """Opens nothing yet.

        Raises:
            AuthoringError: the `openai` package is missing or too old.
            Unavailable: the settings of the network (proxies, certificates) cannot be used.
        """
        try:
            import httpx2  # noqa: PLC0415 - the SDK's HTTP library, whose errors it lets through while a body is read
            import openai  # noqa: PLC0415 - optional, and slow to import
        except ImportError:
            raise AuthoringError(
                "Asking an LLM needs the openai package, version 3: pip install 'dbt-seedbed[llm]'"
            ) from None
        self._endpoint, self._limits = endpoint, limits
        self._api_errors, self._network_errors = openai, httpx2
        try:
            http = openai.DefaultHttpx2Client(
                follow_redirects=False,
                # Proxies are for what is outside: behind one, a server on this machine cannot be reached.
                trust_env=not endpoint.is_loopback,
                event_hooks={"request": [self._keep_what_is_ours], "response": [self._guard]},
            )
            self._sdk = openai.OpenAI(
                base_url=endpoint.base_url,
                api_key=endpoint.api_key or "none",
                timeout=limits.timeout,
                max_retries=0,
                http_client=http,
            )
        except (ValueError, ImportError, OSError, openai.OpenAIError, httpx2.InvalidURL) as error:
            raise Unavailable(
                f"The network's settings cannot be used: {error}. Check HTTPS_PROXY, SSL_CERT_FILE and OPENAI_*."
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes what is open; the connection cannot be used afterwards."""
        self._sdk.close()

    def send(self, payload: Mapping[str, Any]) -> Answer:
        """Sends one chat completion request, and reads its response within the limits.

        Never raises for anything that a server or the network does: that is the answer's complaint.
        """
        openai, httpx2 = self._api_errors, self._network_errors
        body = bytearray()
        content_type = ""
        try:
            with self._sdk.chat.completions.create(**payload) as stream:
                content_type = stream.response.headers.get("content-type", "")
                for chunk in stream.response.iter_bytes():
                    body += chunk
                    if has_ended(body, len(chunk)):
                        break
        except openai.APIStatusError as error:
            return Answer(complaint=_refusal(error))
        except _Overlong as error:
            return self._cut(body, content_type, Complaint(str(error), cause=error))
        except (openai.OpenAIError, httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
            return self._cut(body, content_type, self._broken(error))
        return read_body(bytes(body), content_type)

    def _cut(self, body: bytearray, content_type: str, complaint: Complaint) -> Answer:
        """What arrived before the connection broke; all of it, if only the last bytes are missing."""
        answer = read_body(bytes(body), content_type) if body else Answer()
        if answer.finish is not None and not answer.complaint:
            return answer
        complaint = Complaint(
            complaint.text, transient=complaint.transient, cut=bool(answer.text), cause=complaint.cause
        )
        return Answer(answer.text, usage=answer.usage, complaint=complaint)

    def _broken(self, error: Exception) -> Complaint:
        said = " ".join(str(part) for part in _chain(error))
        if re.search(r"certificate|CERTIFICATE|self.signed", said):
            return Complaint(f"{_CERTIFICATES}: {said}", cause=error)
        if re.search(r"timed out|timeout", said, re.I):
            text = f"no byte came for {self._limits.timeout:g} s. Is the server up, and the model loaded?"
        elif re.search(r"refused|Errno 111|Errno 61|10061", said):
            text = f"nothing listens at {self._endpoint.base_url}. Is the server running?"
        elif re.search(r"Name or service|getaddrinfo|nodename|name resolution|No address", said):
            text = f"the host of {self._endpoint.base_url} is not known. Check the address and the network"
        else:
            text = f"the connection broke: {said}"
        return Complaint(text, transient=True, cause=error)

    def _keep_what_is_ours(self, request: Any) -> None:
        """Lets nothing out but what is listed: the SDK adds headers from the environment, one of them the key's."""
        for name in [name for name in request.headers if name.lower() not in _SENT]:
            del request.headers[name]
        # Without compression, the number of bytes read bounds the memory.
        request.headers["accept-encoding"] = "identity"
        if self._endpoint.api_key:
            request.headers["authorization"] = f"Bearer {self._endpoint.api_key}"
        request.extensions = {**request.extensions, _STARTED: time.monotonic()}

    def _guard(self, response: Any) -> None:
        started = response.request.extensions[_STARTED]
        response.headers.pop("content-encoding", None)
        response.stream = _guarded(self._network_errors, response.stream, started, self._limits)


def _guarded(httpx2: Any, stream: Any, started: float, limits: Limits) -> Any:
    """The stream with a deadline and a size limit; the SDK's timeout is one of silence only."""

    class Guarded(httpx2.SyncByteStream):  # type: ignore[misc]
        def __iter__(self) -> Iterator[bytes]:
            size = 0
            for chunk in stream:
                size += len(chunk)
                if time.monotonic() - started > limits.deadline:
                    raise _Overlong(f"the response was not complete after {limits.deadline:g} s")
                if size > limits.max_bytes:
                    raise _Overlong(f"the response is longer than {limits.max_bytes:,} bytes")
                yield chunk

        def close(self) -> None:
            stream.close()

    return Guarded()


def _refusal(error: Any) -> Complaint:
    """A response with a status other than success."""
    headers, status = error.response.headers, int(error.status_code)
    text, code, param, _ = read_error(error.body)
    if 300 <= status < 400:
        return Complaint(headers.get("location", ""), status, cause=error)
    return Complaint(text, status, code, param, _retry_after(headers), transient=may_pass(status, code), cause=error)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait (RFC 9110, 10.2.3: a number or a date), or OpenAI's own header in milliseconds."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", stated := headers.get(name, "").strip()):
            return float(stated) * unit
    try:
        moment = email.utils.parsedate_to_datetime(headers.get("retry-after", ""))
    except (ValueError, TypeError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return max(0.0, (moment - dt.datetime.now(dt.UTC)).total_seconds())


def _chain(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__
