"""What a workflow script does around its one call: log to the rule's file, errors in one line."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from sisr.errors import SisrError


@contextmanager
def job(log: str | Path) -> Iterator[None]:
    """Send output to ``log``; a :class:`SisrError` prints one line on the console and exits with 1.

    Any other exception is a bug: its traceback goes to the log and the exception passes on.
    """
    console = sys.stderr
    path = Path(log)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", buffering=1) as stream:
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
            # Full disks and missing permissions are the machine's, not ours: no traceback on the console.
            traceback.print_exc(file=stream)
            print(f"error: {error}", file=console, flush=True)
            raise SystemExit(1) from None
        except BaseException:
            traceback.print_exc(file=stream)
            raise
