"""The log of one line a stage, from the records that Snakemake sends."""

from __future__ import annotations

import io
import logging
from types import SimpleNamespace
from typing import Any

import pytest
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_logger_plugin_stages import LogHandler, stage_of_rules
from test_rules import RULES, room


def shown(records: list[tuple[int, str, dict[str, Any]]], **settings: bool) -> list[str]:
    given = {"verbose": False, "dryrun": False, "stdout": False, **settings}
    handler = LogHandler(SimpleNamespace(**given), None)
    handler._stream = io.StringIO()
    for level, message, extra in records:
        record = logging.LogRecord("snakemake", level, "", 0, message, None, None)
        record.__dict__.update(extra)
        handler.handle(record)
    text = handler._stream.getvalue()
    handler.close()
    return text.splitlines()


def job(number: int, rule: str) -> list[tuple[int, str, dict[str, Any]]]:
    return [
        (logging.INFO, "rule ...", {"event": LogEvent.JOB_INFO, "jobid": number, "rule_name": rule}),
        (logging.INFO, "Finished", {"event": LogEvent.JOB_FINISHED, "job_id": number}),
    ]


PLAN = (
    logging.INFO,
    "Job stats: ...",
    {"event": LogEvent.RUN_INFO, "stats": {"score": 2, "gather": 1, "tables": 1, "all": 1, "total": 5}},
)


def test_every_rule_has_its_stage() -> None:
    assert stage_of_rules() == {rule: room(stage) for rule, (stage, _) in RULES.items()}


def test_a_complete_stage_is_one_line() -> None:
    done = shown(
        [PLAN, *job(1, "score"), *job(2, "score"), *job(3, "gather"), *job(4, "tables"), *job(0, "all")]
    )
    assert done == ["scoring       3 jobs in 00:00", "report        1 job in 00:00"]


def test_a_plan_that_grows_counts_what_is_done() -> None:
    more = (logging.INFO, "", {"event": LogEvent.RUN_INFO, "stats": {"score": 2, "total": 2}})
    assert shown([PLAN, *job(1, "score"), more, *job(2, "score"), *job(3, "score")]) == [
        "scoring       3 jobs in 00:00"
    ]


@pytest.mark.parametrize(
    ("level", "message", "extra", "is_shown"),
    [
        (logging.ERROR, "Error in rule score:\n    log: a.log", {"event": LogEvent.JOB_ERROR}, True),
        (logging.ERROR, "unknown model 'imdm'", {"event": LogEvent.ERROR}, True),
        (logging.WARNING, "Building DAG takes long", {}, True),
        (logging.INFO, "tiny: 4 cells", {}, True),
        (logging.INFO, "a message that nobody foresaw", {}, True),
        (logging.INFO, "Building DAG of jobs...", {}, False),
        (logging.INFO, "Select jobs to execute...", {"event": None}, False),
        (logging.INFO, "1 of 5 steps done", {"event": LogEvent.PROGRESS}, False),
    ],
)
def test_problems_are_shown_in_full_and_routine_is_not(
    level: int, message: str, extra: dict[str, Any], is_shown: bool
) -> None:
    assert shown([(level, message, extra)]) == (message.splitlines() if is_shown else [])


@pytest.mark.parametrize("setting", ["verbose", "dryrun"])
def test_verbose_and_dry_runs_show_all_that_snakemake_says(setting: str) -> None:
    assert shown([PLAN, (logging.INFO, "Building DAG of jobs...", {})], **{setting: True}) == [
        "Job stats: ...",
        "Building DAG of jobs...",
    ]
