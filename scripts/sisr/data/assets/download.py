"""Getting one verified file from the first source that has it."""

from __future__ import annotations

import logging
import stat
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO
from urllib.parse import urlsplit

from sisr import __version__
from sisr.base.errors import AssetError, ChecksumError
from sisr.data.assets.content import Check, Content, commit, inspect, part_file, writing
from sisr.data.assets.sources import Source, shown

log = logging.getLogger(__package__)

_BLOCK = 1 << 16
#: How far a body may exceed the registered size before it is given up (it is wrong by then; reading on only
#: serves to report its hash), and the bound where no size is registered.
_SLACK = 16 << 20
_LARGEST = 2 << 30


@dataclass(frozen=True)
class Policy:
    """How patient to be with the network.

    ``attempts`` per address, with waits of ``backoff`` * 2**n seconds between them; ``connect`` and
    ``read`` are the longest silences in seconds; within ``block`` seconds 64 KiB have to arrive, or all of a
    smaller file; ``parallel`` files of a bundle are fetched at a time.  The default gives up on a network
    that refuses at once after 1.5 s.
    """

    attempts: int = 3
    backoff: float = 0.5
    connect: float = 10.0
    read: float = 60.0
    block: float = 120.0
    parallel: int = 8


class TransferBar:
    """A bar over the bytes of one asset, on standard error and only on a terminal.  Safe between threads."""

    def __init__(self, label: str, total: int | None, show: bool) -> None:
        self._lock = threading.Lock()
        self._bar = None
        if show:
            from tqdm import tqdm

            # disable=None: no bar in a log file.
            self._bar = tqdm(
                total=total,
                desc=label,
                unit="B",
                unit_scale=True,
                unit_divisor=1024,
                leave=False,
                disable=None,
            )

    def __enter__(self) -> TransferBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def add(self, count: int) -> None:
        """Count bytes; negative to take back those of a failed attempt."""
        if self._bar is not None:
            with self._lock:
                self._bar.update(count)


class _Unobtainable(Exception):
    """A source does not deliver; the message is a short reason."""


class _Stopped(Exception):
    """Another file of the bundle failed, so this one is not needed."""


class _Sink:
    """The file object that downloads write into: bounds the size, counts progress, stops on request.

    Failures to write are :class:`SisrError` (see :func:`writing`), so that they are not taken for failures
    of the source.
    """

    def __init__(self, stream: IO[bytes], path: Path, limit: int, transfer: Transfer) -> None:
        self._stream, self._path, self._limit, self._transfer = stream, path, limit, transfer
        self.written = 0
        self.given_up = False

    def write(self, block: bytes) -> int:
        if self.given_up or self._transfer.stop.is_set():
            raise _Stopped
        if self.written + len(block) > self._limit:
            hint = "; state its 'bytes'" if self._limit == _LARGEST else ""
            raise _Unobtainable(f"more than {self._limit} bytes{hint}")
        with writing(self._path):
            self._stream.write(block)
        self.written += len(block)
        self._transfer.progress.add(len(block))
        return len(block)

    def flush(self) -> None:
        """Called by pooch after every block; the stream is flushed once, at its end."""


class Transfer:
    """The fetching of one asset: what its files share while they are downloaded in parallel."""

    def __init__(self, progress: TransferBar, policy: Policy) -> None:
        self.progress = progress
        self.policy = policy
        #: Set when one file of the bundle has failed; downloads under way then end.
        self.stop = threading.Event()
        #: Hosts that could not be reached, so that a bundle of many files gives up after one round of
        #: attempts and not after one per file.
        self._unreachable: dict[str, str] = {}

    def obtain(
        self, label: str, places: Sequence[Source], check: Check, target: Path
    ) -> tuple[Content, Source]:
        """Bring a file under its final name ``target``, from the first place whose content passes ``check``.

        Wrong content is not used and the next place is tried; if one delivers, a warning names the bad one.

        Raises
        ------
        ChecksumError
            No place worked and at least one had wrong content; names the first such place.
        AssetError
            No place worked; names each with its reason.
        SisrError
            ``target`` cannot be written.
        """
        wrong: list[str] = []
        tried: list[str] = []
        # Places that fail alike are one line for the reader: {"mirror: No such file or directory": None}
        brief: dict[str, None] = {}
        for place in places:
            try:
                content, reason = self._attempt(place, check, target)
            except _Unobtainable as error:
                tried.append(f"{place.label}: {error}")
                brief[f"{place.place}: {error}"] = None
                continue
            if not reason:
                for complaint in wrong:
                    log.warning("%s: %s; used %s instead", label, complaint, place.label)
                return content, place
            wrong.append(f"wrong content from {place.label}: {reason}")
        if wrong:
            others = "; also tried: " + "; ".join(wrong[1:] + tried) if wrong[1:] + tried else ""
            raise ChecksumError(f"{label}: {wrong[0]}{others}")
        raise AssetError(
            f"{label}: no source delivers it: {'; '.join(tried)}",
            f"{target.name} could not be fetched ({'; '.join(brief)})",
        )

    def keep(self, label: str, stream: IO[bytes], check: Check, target: Path, origin: str) -> Content:
        """Bring a member of an opened archive under its final name; :class:`ChecksumError` if it is wrong."""
        with part_file(target) as part:
            try:
                self._fill(part, _limit(check), lambda sink: _pump(stream, sink))
            except _Unobtainable as error:
                raise ChecksumError(f"{label}: wrong content from {origin}: {error}") from None
            content = inspect(part)
            if not check.accepts(content):
                raise ChecksumError(f"{label}: wrong content from {origin}: {check.explain(content)}")
            commit(part, target)
            return content

    def _attempt(self, place: Source, check: Check, target: Path) -> tuple[Content, str]:
        """Copy from one place; the text says what is wrong with the content, empty if it was kept."""
        limit = _limit(check)
        with part_file(target) as part:
            if isinstance(place.location, Path):
                self._copy(place.location, part, limit)
            else:
                self._download(place.location, part, limit)
            content = inspect(part)
            if not check.accepts(content):
                self.progress.add(-content.bytes)
                return content, check.explain(content)
            commit(part, target)
            return content, ""

    def _copy(self, path: Path, part: Path, limit: int) -> None:
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                raise _Unobtainable("not a regular file")
            with path.open("rb") as stream:
                self._fill(part, limit, lambda sink: _pump(stream, sink))
        except OSError as error:
            raise _Unobtainable(error.strerror or type(error).__name__) from None

    def _download(self, url: str, part: Path, limit: int) -> None:
        import pooch
        import requests

        host = urlsplit(url).netloc.rpartition("@")[2]
        download = pooch.HTTPDownloader(
            chunk_size=_BLOCK,
            timeout=(self.policy.connect, self.policy.read),
            # identity: a server that sends x.tar.gz "gzip-encoded" would have it unpacked on the way.
            headers={"Accept-Encoding": "identity", "User-Agent": f"sisr-benchmark/{__version__}"},
        )
        for attempt in range(self.policy.attempts):
            if host in self._unreachable:
                raise _Unobtainable(self._unreachable[host])
            try:
                self._fill(part, limit, lambda sink: self._pace(sink, lambda: download(url, sink, None)))
                return
            except requests.RequestException as error:
                reason, again, unreachable = _diagnose(error)
            if not again or attempt + 1 == self.policy.attempts:
                if unreachable:
                    self._unreachable[host] = reason
                raise _Unobtainable(reason)
            log.info("%s: %s; trying again", shown(url), reason)
            if self.stop.wait(self.policy.backoff * 2**attempt):
                raise _Stopped

    def _pace(self, sink: _Sink, download: Callable[[], object]) -> None:
        """Run a download in a thread; :class:`_Unobtainable` where it is too slow.

        A byte in time is no silence, and whoever waits for a block of bytes does not see that they are few.
        A thread that is given up waits for its server, and writes nothing any more.
        """
        outcome: list[BaseException] = []

        def work() -> None:
            try:
                download()
            except BaseException as error:
                outcome.append(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        before = -1
        while thread.is_alive():
            if sink.written == before:
                sink.given_up = True
                raise _Unobtainable(f"too slow: less than {_BLOCK >> 10} KiB in {self.policy.block:g} s")
            before = sink.written
            thread.join(self.policy.block)
        if outcome:
            raise outcome[0]

    def _fill(self, part: Path, limit: int, fill: Callable[[_Sink], None]) -> None:
        """Run ``fill`` with a sink that (re)writes ``part`` from its start."""
        with writing(part):
            stream = part.open("wb")
        sink = _Sink(stream, part, limit, self)
        try:
            fill(sink)
            with writing(part):
                stream.flush()
        except BaseException:
            self.progress.add(-sink.written)
            raise
        finally:
            with writing(part):
                stream.close()


def _limit(check: Check) -> int:
    return _LARGEST if check.bytes is None else check.bytes + _SLACK


def _pump(stream: IO[bytes], sink: _Sink) -> None:
    while block := stream.read(_BLOCK):
        sink.write(block)


def _diagnose(error: Exception) -> tuple[str, bool, bool]:
    """Of a ``requests`` exception: short reason, whether to try again, whether its host is out of reach."""
    from requests import exceptions as http

    if isinstance(error, http.HTTPError) and error.response is not None:
        status = error.response.status_code
        return f"HTTP {status}", status in (408, 425, 429) or status >= 500, False
    # The first that fits; ConnectTimeout, SSLError and ProxyError are kinds of ConnectionError.
    for kind, reason, again, unreachable in (
        (http.ChunkedEncodingError, "connection closed before the end", True, False),
        (http.ConnectTimeout, "no connection in time", True, True),
        (http.Timeout, "no answer in time", True, False),
        (http.SSLError, f"TLS: {_root_cause(error)}", False, False),
        (http.ProxyError, f"proxy: {_root_cause(error)}", True, True),
        (http.ConnectionError, _root_cause(error), True, True),
    ):
        if isinstance(error, kind):
            return reason, again, unreachable
    return f"{type(error).__name__}: {error}".replace("\n", " ")[:200], False, False


def _root_cause(error: BaseException) -> str:
    """Words of the operating system (``Connection refused``), dug out of nested library exceptions."""
    reason, seen = type(error).__name__, set[int]()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, OSError) and cause.strerror:
            reason = cause.strerror
        nested = [getattr(cause, "reason", None), *cause.args, cause.__cause__, cause.__context__]
        cause = next((e for e in nested if isinstance(e, BaseException) and id(e) not in seen), None)
    return str(reason)
