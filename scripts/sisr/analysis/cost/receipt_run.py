"""Receipts of many models within one budget, each taken in a process of its own."""

from __future__ import annotations

import multiprocessing
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sisr.analysis.cost import receipts
from sisr.analysis.cost.interleaving import SpreadTooLarge
from sisr.analysis.cost.taking import Taking, largest_output, take
from sisr.base import device as devices
from sisr.base.errors import SisrError
from sisr.base.machine import processor
from sisr.models.model_entries import Model
from sisr.upscaling.upscale import attempt

#: Part of the budget that is shared out; the rest is for processes to start and end.
_SHARED = 0.95
#: Seconds after which a process that is past its share is ended.
_PATIENCE = 5.0


@dataclass(frozen=True)
class WantedReceipt:
    """A model at a scale with the files of its weights by role."""

    model: Model
    scale: int
    files: Mapping[str, Path]

    def __str__(self) -> str:
        return f"{self.model.id} x{self.scale}"


@dataclass(frozen=True)
class ReceiptOutcome:
    """``ok`` and where the receipt lies; or ``refused``, or another status of a cell, with the reason."""

    candidate: WantedReceipt
    status: str
    reason: str = ""
    receipt: Path | None = None


def take_all(
    candidates: Sequence[WantedReceipt],
    how: Taking,
    budget: float,
    out: Path,
    say: Callable[[str], None],
) -> list[ReceiptOutcome]:
    """Take receipts into the folder ``out`` and tell of each as it is done.

    ``budget`` is in seconds for all of them together; what one model leaves is shared by those after it.
    """
    device = devices.resolve(how.device)
    named = f"cpu ({processor()}), {how.threads} thread{'s' * (how.threads != 1)}"
    share = _SHARED * budget / len(candidates)
    say(
        f"{len(candidates)} receipt{'s' * (len(candidates) != 1)} on {named if device == 'cpu' else device}: "
        f"{budget:.0f} s at most, {share:.0f} s each"
    )
    end = time.perf_counter() + _SHARED * budget
    how, outcomes = replace(how, device=device), list[ReceiptOutcome]()
    _import_once()
    largest = {}
    for scale in sorted({candidate.scale for candidate in candidates}):
        status, found = _in_process(60 + share, largest_output, scale, share, how)
        if status != "ok":
            raise SisrError(f"the reference network does not run on {device}: {found}")
        largest[scale] = found
    for number, candidate in enumerate(candidates, 1):
        begin = time.perf_counter()
        share = (end - begin) / (len(candidates) - number + 1)
        asked = replace(how, largest=largest[candidate.scale])
        status, found = _in_process(
            max(share, 0) + _PATIENCE, take, candidate.model, candidate.scale, candidate.files, share, asked
        )
        if status == "ok":
            outcome = ReceiptOutcome(candidate, status, receipt=receipts.write(found, out))
            said = told(found)
        else:
            outcome = ReceiptOutcome(candidate, status, found)
            said = f"{status}: {found}"
        outcomes.append(outcome)
        say(f"[{number}/{len(candidates)}] {candidate}: {said} ({time.perf_counter() - begin:.0f} s)")
    return outcomes


def told(receipt: Mapping[str, Any]) -> str:
    """A receipt in one line."""
    width, height = receipt["output"]
    parts = []
    for precision, found in receipt["precisions"].items():
        if found["status"] == "ok":
            seconds, ratio = found["model"]["call"]["p50"], found["ratio"]["call"]
            said = f"{precision} {seconds:.4g} s, {ratio:.3g} times the reference"
            parts.append(f"{said}, which spread by {found['spread']:.2%}")
        elif found["status"] == "refused":
            parts.append(f"{precision} refused")
    return f"{width}x{height}: {'; '.join(parts)}"


def closing(outcomes: Iterable[ReceiptOutcome], out: Path) -> tuple[list[str], bool]:
    """Last lines, with all of which there is no receipt, and whether all went as it should."""
    outcomes = list(outcomes)
    taken = [one for one in outcomes if one.status == "ok"]
    lines = [f"{len(taken)} of {len(outcomes)} receipts in {out}"]
    for status in dict.fromkeys(one.status for one in outcomes if one.status != "ok"):
        lines.append(f"{status}: {', '.join(str(one.candidate) for one in outcomes if one.status == status)}")
    good = all(one.status in ("ok", "skipped", "unavailable") for one in outcomes)
    return lines, good and bool(taken)


def _import_once() -> None:
    """What takes long to import; processes that are forked from this one have it."""
    with suppress(ImportError):
        import sisr.upscaling.engines.pytorch
        import sisr.upscaling.inference.runner  # noqa: F401


def _in_process(patience: float, work: Callable[..., Any], *arguments: Any) -> tuple[str, Any]:
    """Status and result, or reason, of a call in a process of its own, which is ended after ``patience``."""
    # A fork has what was imported; CUDA was not used here, so that it may be used there.
    context: Any = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_call, args=(sender, work, arguments), daemon=True)
    process.start()
    sender.close()
    try:
        if not receiver.poll(patience):
            return "failed", f"was ended after {patience:.0f} s, past its share of the budget"
        found: tuple[str, Any] = receiver.recv()
        return found
    except EOFError:
        process.join()
        return "failed", f"its process ended with {process.exitcode}"
    finally:
        process.kill()
        process.join()


def _call(sender: Connection, work: Callable[..., Any], arguments: Sequence[Any]) -> None:
    try:
        done = attempt(lambda: (work(*arguments),))
        answer = (done.status, done.found[0] if done.found else done.reason)
    except ImportError as error:
        answer = ("unavailable", str(error))
    except SpreadTooLarge as error:
        answer = ("refused", str(error))
    except SisrError as error:
        answer = ("failed", str(error))
    except Exception as error:
        traceback.print_exc()
        answer = ("failed", f"{type(error).__name__}: {error}")
    sender.send(answer)
