"""What the functions of a local stack used: their REPORT lines, log bytes and processor time."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.billing import LambdaUse
from benchmarks.local_job import Local
from examples.local_endpoint import client
from penstock_local import inspection

REPORT = re.compile(r"REPORT .*?Billed Duration: ([\d.]+) ms\tMemory Size: (\d+) MB")
_TICKS = os.sysconf("SC_CLK_TCK")


def functions_used(
    local: Local, since_ms: int, processor_before: Mapping[str, float]
) -> dict[str, LambdaUse]:
    """By the functions' names in the template, from a moment on."""
    logs = client(local, "logs")
    after = processor_seconds()
    return {
        function.name: _use(
            _messages(logs, function.log_group, since_ms),
            after.get(function.physical_name, 0) - processor_before.get(function.physical_name, 0),
        )
        for function in inspection.functions(local)
    }


def processor_seconds() -> dict[str, float]:
    """User and system time of the Lambda workers that are alive, by physical function name."""
    seconds: dict[str, float] = {}
    for process in Path("/proc").glob("[0-9]*"):
        name = _function_of(process)
        if name:
            seconds[name] = seconds.get(name, 0) + _seconds_of(process)
    return seconds


def _function_of(process: Path) -> str | None:
    try:
        environment = (process / "environ").read_bytes()
    except OSError:
        return None  # it ended, or is somebody else's
    match = re.search(rb"(?:^|\0)AWS_LAMBDA_FUNCTION_NAME=([^\0]*)", environment)
    return match[1].decode() if match else None


def _seconds_of(process: Path) -> float:
    try:
        fields = (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _messages(logs: Any, group: str, since_ms: int) -> list[str]:
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since_ms)
    return [event["message"] for page in pages for event in page["events"]]


def _use(messages: list[str], processor: float) -> LambdaUse:
    reports = [match for message in messages if (match := REPORT.match(message))]
    return LambdaUse(
        invocations=len(reports),
        billed_ms=sum(float(report[1]) for report in reports),
        gigabytes=int(reports[0][2]) / 1024 if reports else 0.0,
        processor_seconds=processor,
        log_bytes=sum(len(message.encode()) for message in messages),
    )
