"""What a workflow script does around its one call: log to the rule's file, errors in one line."""

from __future__ import annotations

import errno
import io
import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path

from sisr.base.errors import SisrError, is_out_of_memory, out_of_memory


class _Log(io.TextIOBase):
    """A log file.  What a full disk does not take is dropped: the job's own files will tell it better."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open("w", encoding="utf-8", buffering=1)

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()

    def close(self) -> None:
        super().close()  # flushes
        with suppress(OSError):
            self._stream.close()

    def fileno(self) -> int:
        return self._stream.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding


@contextmanager
def job(log: str | Path) -> Iterator[None]:
    """Send output to ``log``; a :class:`SisrError` prints one line on the console and exits with 1.

    Any other exception is a bug: its traceback goes to the log and the exception passes on.
    """
    console = sys.stderr
    path = Path(log)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        opened = _Log(path)
    except OSError as error:
        print(f"error: {error}", file=console, flush=True)
        raise SystemExit(1) from None
    with opened as stream:
        handler = logging.StreamHandler(stream)
        logging.basicConfig(
            handlers=[handler], level=logging.INFO, format="%(levelname)s %(message)s", force=True
        )
        try:
            with redirect_stdout(stream), redirect_stderr(stream):
                yield
        except SisrError as error:
            print(f"error: {error}", file=stream)
            print(f"error: {error}", file=console, flush=True)
            raise SystemExit(1) from None
        except OSError as error:
            # Full disks and missing permissions are the machine's, not ours: no traceback on the console, and
            # of a full disk also none in the log, which Snakemake shows there.
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                traceback.print_exc(file=stream)
            print(f"error: {error}", file=stream)
            print(f"error: {error}", file=console, flush=True)
            raise SystemExit(1) from None
        except BaseException as error:
            traceback.print_exc(file=stream)
            if not is_out_of_memory(error):
                raise
            print(f"error: {out_of_memory(error)}", file=console, flush=True)
            raise SystemExit(1) from None
