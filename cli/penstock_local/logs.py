"""The logs of every function in one stream, readable."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from penstock.domain.legible import legible
from penstock_local import aws
from penstock_local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from penstock_local.inspection import Function

POLL_SECONDS = 1.0
# What Lambda adds to a function's lines, and metrics in CloudWatch's embedded format.
NOT_A_LINE = re.compile(r'(START|END|REPORT) RequestId: |{"_aws":')
# Shown elsewhere in the line, or of use to machines only.
UNSHOWN = {"level", "message", "timestamp", "service", "location", "xray_trace_id"}
UNSHOWN |= {"function_name", "function_arn", "function_request_id", "cold_start"}
UNSHOWN |= {"function_memory_size"}
UNSHOWN |= {"exception", "exception_name", "stack_trace"}  # the exception goes below the line
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True)
class Line:
    milliseconds: int  # since the epoch, of the event's arrival
    function: str
    text: str

    def render(self) -> str:
        moment = datetime.fromtimestamp(self.milliseconds / 1000, UTC).astimezone()
        return (
            f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d} {self.function:20} "
            # Log lines name objects, and names may hold anything.
            + "\n".join(legible(each) for each in self._said().split("\n"))
        )

    def _said(self) -> str:
        document = _json_object(self.text)
        if document is None or "message" not in document:
            return f"{'':7} {self.text.rstrip()}"
        extras = [f"{key}={_short(document[key])}" for key in document if key not in UNSHOWN]
        said = " ".join([f"{document.get('level', ''):7}", str(document["message"]), *extras])
        return "\n".join(filter(None, [said, str(document.get("exception", ""))]))


def parse_duration(text: str) -> timedelta:
    """`90s`, `10m`, `2h`, `1d`. Raises LocalStackError."""
    match = re.fullmatch(r"(\d{1,5})([smhd])", text, re.ASCII)
    if not match:
        raise LocalStackError(f"{text!r} is no duration; write 90s, 10m, 2h or 1d")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def choose(functions: Iterable[Function], wanted: str | None) -> list[Function]:
    """All, or the one named, by logical id, verb_noun or a part of it. Raises LocalStackError."""
    everything = list(functions)
    key = (wanted or "").replace("_", "").replace("-", "").lower()
    chosen = [function for function in everything if key in function.name.lower()]
    if not chosen:
        known = ", ".join(function.name for function in everything)
        raise LocalStackError(f"no function is called {wanted!r}; there are {known}")
    return chosen


def read(local: Mapping[str, str], functions: Iterable[Function], since: datetime) -> list[Line]:
    """In the order of time, and only what the functions say."""
    client = aws.client("logs", local["aws_endpoint_url"])
    start = int(since.timestamp() * 1000)
    lines = [line for function in functions for line in _lines_of(client, function, start)]
    return sorted(lines, key=lambda line: line.milliseconds)


def follow(
    local: Mapping[str, str],
    functions: Iterable[Function],
    since: datetime,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[Line]:
    """For ever."""
    chosen, seen = list(functions), Counter[Line]()
    while True:
        began = datetime.now(UTC)
        # MiniStack's events have no ids, and a line may well be repeated in one millisecond.
        found = Counter(read(local, chosen, since))
        yield from (found - seen).elements()
        seen = found
        # A line can arrive a little after its time: look back further than one pause.
        since = max(since, began - timedelta(seconds=30))
        pause(POLL_SECONDS)


def _lines_of(client: Any, function: Function, start: int) -> Iterator[Line]:
    name = function.name.removesuffix("Function")
    for event in _events(client, function.log_group, start):
        if not NOT_A_LINE.match(event["message"]):
            yield Line(event["timestamp"], name, event["message"])


def _events(client: Any, group: str, start: int) -> Iterator[dict[str, Any]]:
    pages = client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=start)
    try:
        for page in pages:
            yield from page["events"]
    except client.exceptions.ResourceNotFoundException:
        return  # the function hasn't run yet


def _json_object(text: str) -> dict[str, Any] | None:
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _short(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
