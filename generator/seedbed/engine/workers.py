"""Work that this process shares with child processes.

Rows are made by many short calls, between which the interpreter runs one thread at a time: threads make them no
faster. A child is asked for a span, and answers with what it made: one pickle, and behind it the buffers of
columns and files as they are. It needs nothing but what it is sent; what processes know of lives
(`World.share`) only spares it work.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import pickle
import queue
import subprocess
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import pyarrow as pa

from seedbed.children import start, stop
from seedbed.errors import GenerationError, SeedbedError
from seedbed.without_pandas import WithoutPandas

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

VALUES_FOR_CHILD = 20_000_000
"""So many values are worth a child process: they take 1.4 s, its start 0.7, on another processor."""
AHEAD = 4
"""Results for each worker that are there or under way, so that none has to wait for what another is still at."""
_PIPE = 1 << 20
"""Bytes that a pipe holds, where the system lets it: the fewer halts on the way, the better."""
_ALIGNED = 64
"""To so many bytes, as Arrow wants its buffers."""

Made = TypeVar("Made")
Span = tuple[int, int]


def workers_for(count: int, values: float) -> Workers:
    """At most so many workers, and no more than are worth it for so many values."""
    return Workers(min(count - 1, int(values // VALUES_FOR_CHILD)))


@dataclass(slots=True)
class _Piece(Generic[Made]):
    span: Span
    made: Future[Made]


class Workers:
    """This process, and children, which start with a `with` block and end with it, or are closed.

    Args:
        children: how many.
        here: whether this process makes pieces too, rather than wait for a child.
    """

    def __init__(self, children: int = 0, *, here: bool = True) -> None:
        self._most, self._here = children if sys.executable else 0, here
        self._children: list[_Child] = []
        self._free: queue.SimpleQueue[_Child] = queue.SimpleQueue()
        self._mine = threading.local()
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        self._start()
        return self

    def __bool__(self) -> bool:
        """Whether there are other processes."""
        return self._most > 0

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        self.close()

    def in_order(self, make: Callable[[int, int], Made], spans: Sequence[Span]) -> Iterator[Made]:
        """What `make` makes of each span, in order; at most `AHEAD` results for each worker are held.

        Args:
            make: a picklable function, like its results and errors.
            spans: what it is called with.

        Raises:
            GenerationError: a child cannot be started, or was ended from outside.
        """
        if self._most < 1 or len(spans) < 2:
            yield from itertools.starmap(make, spans)
            return
        work = pickle.dumps(make)
        pool = self._started(work)
        coming = iter(spans)
        waiting: deque[_Piece[Made]] = deque()
        try:
            while True:
                for span in itertools.islice(coming, AHEAD * (self._most + 1) - len(waiting)):
                    waiting.append(_Piece(span, pool.submit(self._from_child, work, span)))
                if not waiting:
                    return
                while self._here and not waiting[0].made.done():
                    free = next((piece for piece in waiting if piece.made.cancel()), None)
                    if free is None:
                        break
                    free.made = _made_here(make, free.span)
                yield waiting.popleft().made.result()
        finally:
            for piece in waiting:
                piece.made.cancel()

    def close(self) -> None:
        """Ends the children at once."""
        for child in self._children:
            child.stop()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._children, self._pool = [], None

    def _started(self, work: bytes) -> ThreadPoolExecutor:
        """The threads that wait for the children: each for one of its own."""
        if self._pool is None:
            self._start()
            self._pool = ThreadPoolExecutor(self._most, "seedbed", self._take_child, (work,))
        return self._pool

    def _start(self) -> None:
        try:
            while len(self._children) < self._most:
                self._children.append(_Child())
                self._free.put(self._children[-1])
        except GenerationError:
            self.close()
            raise

    def _take_child(self, work: bytes) -> None:
        """Returns when the child is ready, so that no piece waits for its start."""
        self._mine.child = self._free.get()
        with contextlib.suppress(Exception):  # it comes again with the first piece
            self._mine.child.prepare(work)

    def _from_child(self, work: bytes, span: Span) -> Any:
        self._mine.child.prepare(work)
        return self._mine.child.make(span)


def _made_here(make: Callable[[int, int], Made], span: Span) -> Future[Made]:
    """The result, or the error, which is raised when its turn comes."""
    future: Future[Made] = Future()
    try:
        future.set_result(make(*span))
    except Exception as error:
        future.set_exception(error)
    return future


class _Child:
    """A child process, to one thread of this one."""

    def __init__(self) -> None:
        self._work: bytes | None = None
        try:
            # In a process of one thread, none of numpy's own.
            environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
            self._process: subprocess.Popen[bytes] = start(__name__, env=environment)
        except OSError as error:
            raise GenerationError(
                f"No worker process can be started: {error}\n  hint: --workers 1 needs none"
            ) from error

    def prepare(self, work: bytes) -> None:
        """Sends the function that makes the pieces, pickled, unless it is there."""
        if work != self._work:
            self._ask(work)
            self._work = work

    def make(self, span: Span) -> Any:
        """What the function makes of a span."""
        return self._ask(span)

    def stop(self) -> None:
        stop(self._process)

    def _ask(self, request: bytes | Span) -> Any:
        sent, received = self._process.stdin, self._process.stdout
        assert sent is not None
        assert isinstance(received, io.BufferedReader)
        try:
            pickle.dump(request, sent)
            sent.flush()
            head, sizes = pickle.load(received)
            held = memoryview(pa.allocate_buffer(sum(map(_padded, sizes))))
            if received.readinto(held) < len(held):
                raise EOFError
        except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
            raise self._ended() from error
        ends = itertools.accumulate(map(_padded, sizes), initial=0)
        answer = pickle.loads(head, buffers=[held[end : end + size] for end, size in zip(ends, sizes, strict=False)])
        if isinstance(answer, _Failure):
            raise answer.error
        return answer

    def _ended(self) -> GenerationError:
        self._process.kill()  # what it says no longer makes sense
        code = self._process.wait()
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        return GenerationError(
            f"A worker process ended {how} before its work was done.\n  hint: the system may be short of memory; "
            "--workers 1 starts no other process"
        )


def _padded(size: int) -> int:
    return size + -size % _ALIGNED


# --- the child process ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Failure:
    error: BaseException


def serve() -> None:
    """Takes a function, or a span for it, and answers, until the input ends."""
    sys.meta_path.insert(0, WithoutPandas)
    pa.set_cpu_count(1)
    # What anything else prints must not come between the answers.
    with open(os.dup(sys.stdout.fileno()), "wb", buffering=_PIPE) as out:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            with contextlib.suppress(OSError):  # the person's pipes hold as much as they may already
                fcntl.fcntl(out.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)
        answer = _Answers()
        with contextlib.suppress(EOFError, BrokenPipeError):
            while True:
                head, buffers = answer(pickle.load(sys.stdin.buffer))
                pickle.dump((head, [len(buffer) for buffer in buffers]), out)
                for buffer in buffers:
                    out.write(buffer)
                    out.write(bytes(-len(buffer) % _ALIGNED))
                out.flush()


class _Answers:
    """Answers requests; keeps the function."""

    def __init__(self) -> None:
        self._make: Callable[[int, int], Any] | None = None

    def __call__(self, request: bytes | Span) -> tuple[bytes, list[memoryview]]:
        """A pickle and its buffers: of the result, or of a failure."""
        try:
            if isinstance(request, bytes):
                self._make = pickle.loads(request)
                return _packed(None)
            assert self._make is not None
            return _packed(self._make(*request))
        except BaseException as error:
            return _packed(_Failure(_portable(error)))


def _packed(answer: object) -> tuple[bytes, list[memoryview]]:
    buffers: list[pickle.PickleBuffer] = []
    head = pickle.dumps(answer, protocol=5, buffer_callback=buffers.append)
    return head, [buffer.raw() for buffer in buffers]


def _portable(error: BaseException) -> BaseException:
    """The error as it can be pickled; one that is a defect with the place where it arose."""
    where = "".join(traceback.format_exception(error))
    try:
        if not isinstance(error, SeedbedError):
            error.add_note(f"In a worker process:\n{where}")
        pickle.loads(pickle.dumps(error))
        return error
    except Exception:
        return RuntimeError(where)
