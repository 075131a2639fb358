"""Snakemake's log as one line a stage: ``snakemake --logger stages``.

Problems are shown in full; all else is in Snakemake's own log file, and on the screen with ``--verbose``.
The kept plugin ``snakemake-logger-plugin-rich`` draws one line a rule, of which a run has forty.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from tqdm import tqdm

WORKFLOW = Path(__file__).resolve().parents[2] / "workflow"
BAR = "{desc:<10} {percentage:3.0f}% |{bar:40}| {n_fmt}/{total_fmt} jobs, {elapsed}, {remaining} left"
PROBLEMS = {LogEvent.ERROR, LogEvent.JOB_ERROR, LogEvent.GROUP_ERROR}
#: How messages begin that say the same in every run.
ROUTINE = (
    "Assuming unrestricted", "Building DAG", "Complete log", "Conda environments: ignored", "Elapsed time",
    "Execute ", "host: ", "Provided cores", "Rules claiming", "Select jobs",
    "Singularity containers: ignored", "Using shell", "Using workflow specific profile",
)  # fmt: skip


def stage_of_rules() -> dict[str, str]:
    """Rule -> stage, in the order of the stages.

    >>> stage_of_rules()["make_lr"]
    'lr'
    """
    included = re.findall(r'RULES / "([\w/]+)\.smk"', (WORKFLOW / "Snakefile").read_text(encoding="utf-8"))
    return {
        rule: name.partition("/")[0]
        for name in included
        for rule in re.findall(
            r"(?m)^\s*rule (\w+):", (WORKFLOW / "rules" / f"{name}.smk").read_text(encoding="utf-8")
        )
    }


@dataclass
class Stage:
    """Jobs of a stage; ``began`` is the time of the first, in seconds."""

    jobs: int
    done: int = 0
    began: float = 0
    bar: tqdm | None = None


class LogHandler(LogHandlerBase):  # type: ignore[misc]
    """A bar while a stage runs, on a terminal; a line when it is complete."""

    writes_to_stream = True
    writes_to_file = has_filter = has_formatter = needs_rulegraph = False

    def __post_init__(self) -> None:
        self._stage_of = stage_of_rules()
        self._rule_of_job: dict[int, str] = {}
        self._stages: dict[str, Stage] = {}
        self._stream = sys.stdout if self.common_settings.stdout else sys.stderr

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "event", None)
        if self.common_settings.verbose or self.common_settings.dryrun:
            self._write(self.format(record))
        elif event == LogEvent.RUN_INFO:
            self._plan(record.stats)  # type: ignore[attr-defined]
        elif event == LogEvent.JOB_INFO:
            self._rule_of_job[record.jobid] = record.rule_name  # type: ignore[attr-defined]
            self._begin(self._stage_of.get(record.rule_name, ""))  # type: ignore[attr-defined]
        elif event == LogEvent.JOB_FINISHED:
            rule = self._rule_of_job.pop(record.job_id, "")  # type: ignore[attr-defined]
            self._advance(self._stage_of.get(rule, ""))
        elif event in PROBLEMS or record.levelno >= logging.WARNING or event is None:
            text = self.format(record)
            if record.levelno >= logging.WARNING or not text.startswith(ROUTINE):
                self._write(text)

    def close(self) -> None:
        for stage in self._stages.values():
            if stage.bar is not None:
                stage.bar.close()
        self._stages = {}
        super().close()

    def _write(self, text: str) -> None:
        if text.strip():
            # A bar that was not the lowest leaves the cursor behind where it was.
            tqdm.write(f"\r{text}" if self._stream.isatty() else text, file=self._stream)

    def _plan(self, jobs_of_rules: Mapping[str, int]) -> None:
        """Also when the plan grows during the run."""
        for name in dict.fromkeys(self._stage_of.values()):
            jobs = sum(jobs_of_rules.get(rule, 0) for rule, stage in self._stage_of.items() if stage == name)
            if jobs:
                done = self._stages[name].done if name in self._stages else 0
                self._stages[name] = Stage(done + jobs, done)

    def _begin(self, name: str) -> None:
        stage = self._stages.get(name)
        if stage is None or stage.began:
            return
        stage.began = time.monotonic()
        stage.bar = tqdm(
            total=stage.jobs,
            desc=name,
            bar_format=BAR,
            smoothing=0,
            leave=False,
            file=self._stream,
            disable=not self._stream.isatty(),
        )

    def _advance(self, name: str) -> None:
        stage = self._stages.get(name)
        if stage is None or stage.bar is None:
            return
        stage.done += 1
        stage.bar.update()
        if stage.done == stage.jobs:
            stage.bar.close()
            seconds = tqdm.format_interval(round(time.monotonic() - stage.began))
            self._write(f"{name:<10} {stage.done:>4} {'job' if stage.done == 1 else 'jobs'} in {seconds}")
