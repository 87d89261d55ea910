"""A server on this machine that speaks the chat completions protocol, and breaks it as its script says.

A reply of the script is a mapping, so that cases can be data:

    say: TEXT            a good answer: streamed, in several events, with token counts
    status, headers      of the response
    json, text           a whole body, as JSON or as it is
    events: [..]         a stream: mappings are sent as data, texts as lines of their own
    done: false          the stream has no [DONE]
    compress: true       gzip, whether asked for or not
    silent: SECONDS      nothing is sent for so long
    drip: SECONDS        the body is sent byte by byte, with so long in between
    break: AFTER         the connection is cut after so many bytes of the body; `at_once`: before any answer
    unsized: true        the body ends where the connection does
    linger: SECONDS      the connection stays open for so long after the last byte
"""

from __future__ import annotations

import gzip
import http.server
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Reply = Mapping[str, Any]


@dataclass(frozen=True)
class Received:
    """One request as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: Any
    at: float = field(default_factory=time.monotonic)


class LlmServer:
    """Answers requests in the order of the script, its last reply for all that follow; or as a function says."""

    def __init__(self, *script: Reply | Callable[[Received], Reply]) -> None:
        self.script, self.requests = script, list[Received]()
        self._lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length", 0))
                body = json.loads(self.rfile.read(length) or b"null")
                headers = {name.lower(): value for name, value in self.headers.items()}
                _respond(self, outer._next(Received(self.path, headers, body)))

            def log_message(self, *_: object) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_: object) -> None:
                """A client that hangs up is what many cases are about."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def _next(self, received: Received) -> Reply:
        with self._lock:
            place = min(len(self.requests), len(self.script) - 1)
            self.requests.append(received)
        reply = self.script[place]
        return reply(received) if callable(reply) else reply

    def __enter__(self) -> LlmServer:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def said(text: str, *, finish: str | None = "stop", usage: bool = True) -> list[Any]:
    """The events of a streamed answer."""
    size = max(1, len(text) // 3)
    pieces = [text[begin : begin + size] for begin in range(0, len(text), size)]
    events: list[Any] = [{"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}]
    events += [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
    events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    if usage:
        counts = {"prompt_tokens": 100, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": 40}}
        events.append({"choices": [], "usage": counts})
    return events


def _respond(handler: http.server.BaseHTTPRequestHandler, reply: Reply) -> None:
    time.sleep(reply.get("silent", 0))
    if reply.get("break") == "at_once":
        # With nothing left to wait for, closing sends a reset.
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.close_connection = True
        return
    body, kind = _body(reply)
    headers = {"content-type": kind, **reply.get("headers", {})}
    if reply.get("compress"):
        body, headers["content-encoding"] = gzip.compress(body), "gzip"
    handler.close_connection = True
    handler.send_response(reply.get("status", 200))
    for name, value in headers.items():
        handler.send_header(name, str(value))
    handler.send_header("connection", "close")
    if "break" in reply or "linger" in reply:
        handler.send_header("transfer-encoding", "chunked")
        handler.end_headers()
        sent = body[: reply.get("break")]
        handler.wfile.write(f"{len(sent):x}\r\n".encode() + sent + b"\r\n")
        time.sleep(reply.get("linger", 0))
        return
    if not reply.get("unsized"):
        handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    if "drip" in reply:
        for byte in body:
            handler.wfile.write(bytes([byte]))
            time.sleep(reply["drip"])
    handler.wfile.write(b"" if "drip" in reply else body)


def _body(reply: Reply) -> tuple[bytes, str]:
    if "json" in reply:
        return json.dumps(reply["json"]).encode(), "application/json"
    if "text" in reply:
        return str(reply["text"]).encode(), "text/plain"
    if "say" in reply or "events" in reply:
        return _stream(
            reply["events"] if "events" in reply else said(reply["say"]), reply.get("done", True)
        ), "text/event-stream"
    return b"", "application/json"


def _stream(events: Sequence[Any], done: bool) -> bytes:
    lines = [event if isinstance(event, str) else f"data: {json.dumps(event)}" for event in events]
    if done:
        lines.append("data: [DONE]")
    return "".join(f"{line}\n\n" for line in lines).encode()
