"""From a seed to a random job: a file, a pipeline, a model's moods, the weather in the queues."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

BOM = b"\xef\xbb\xbf"
ENDINGS = {"csv": "csv", "jsonl": "jsonl", "text": "txt"}
WEEK = 7 * 86400


@dataclass(frozen=True)
class Faults:
    """What goes wrong around the use cases. Rates are per border of a port call."""

    kill: float = 0.0
    fail: float = 0.0
    interleave: float = 0.0
    most: int = 0  # kills and failures in all
    duplicate: float = 0.0  # per message
    lost: float = 0.0  # per notification
    delay: float = 0.0  # seconds; the longest that a message is late


@dataclass(frozen=True)
class Moods:
    """How the endpoint treats what it is sent. Rates are per invocation."""

    throttled: float = 0.0  # refused at the door
    failing: float = 0.0  # 5xx
    busy: float = 0.0  # 429 of the container
    latency: float = 0.0  # seconds, at most


@dataclass(frozen=True)
class Transforming:
    """How Batch Transform is used, and how long its jobs take."""

    seconds: float
    strategy: str | None
    compression: str


@dataclass(frozen=True)
class Scenario:
    """All that a run depends on, but for its chance, which the seed gives too."""

    seed: int
    fmt: str
    body: bytes
    header: str  # absent, drop, send
    content_type: str
    region_bytes: int
    max_records: int
    maximum_attempts: int
    on_error: str
    join: str
    deadline: int
    tolerated: int
    cancel_at: float | None  # seconds after the drop
    moods: Moods
    faults: Faults
    knobs: dict[str, int] = field(default_factory=dict)
    permits: int = 2000  # at the endpoint
    transform: Transforming | None = None  # in the place of an endpoint
    mode: str = "async"  # realtime; models: the same with several models, named by column 1

    @property
    def key(self) -> str:
        return f"in/rows.{ENDINGS[self.fmt]}"

    @property
    def dies(self) -> bool:
        """Whether a container that a record has crashed is gone: its transform job breaks down."""
        return self.transform is not None and self.seed % 2 == 1

    @property
    def hurried(self) -> bool:
        return self.deadline < WEEK

    @property
    def pipeline(self) -> str:
        """The pipeline file; JSON is YAML."""
        headers = {"absent": False, "drop": True, "send": "send"}
        document: dict[str, Any] = {
            "invoke": self._invoke | {"content_type": self.content_type, **self._target},
            "input": {"header": headers[self.header], **self._model_field},
            "chunk": {"max_records": self.max_records, "max_bytes": 1024},
            "output": {"on_error": self.on_error, "join": self.join},
            "retry": {"initial_interval": 2, "maximum_attempts": self.maximum_attempts},
            "deadline": self.deadline,
            "tolerated_failure_percentage": self.tolerated,
        }
        return json.dumps(document)

    @property
    def _invoke(self) -> dict[str, Any]:
        transform = self.transform
        if transform is None:
            return {"endpoint": "demo"}
        strategy = {"strategy": transform.strategy} if transform.strategy else {}
        return {
            "mode": "transform",
            "model": "demo",
            "instance_type": "ml.m5.large",
            "timeout": 900,  # as the others: a scan that died comes back before its job has expired
            "compression": transform.compression,
            **strategy,
        }

    @property
    def _target(self) -> dict[str, str]:
        several = {"mode": "realtime", "target_model": "{model}.tar.gz"}
        return {"async": {}, "realtime": {"mode": "realtime"}, "models": several}[self.mode]

    @property
    def _model_field(self) -> dict[str, Any]:
        return {"model_field": 1, "send_model_field": True} if self.mode == "models" else {}


def scenario_of(seed: int) -> Scenario:
    chance = random.Random(f"scenario {seed}")
    scenario = _scenario(seed, chance)
    scenario = _transformed(replace(scenario, mode=_mode(seed, scenario.fmt)))
    return _hopeless(scenario, chance) if chance.random() < 0.02 else scenario


def _mode(seed: int, fmt: str) -> str:
    modes = ["async", "async", "realtime", "models" if fmt == "csv" else "realtime"]
    return random.Random(f"mode {seed}").choice(modes)


def _transformed(scenario: Scenario) -> Scenario:
    """One in three. With a chance of its own, which leaves the others as they are."""
    chance = random.Random(f"transform {scenario.seed}")
    if chance.random() >= 1 / 3:
        return scenario
    by_line = scenario.fmt != "csv" and scenario.content_type != "application/json"
    transforming = Transforming(
        seconds=chance.choice([1, 60, 300, 3000]),
        strategy=chance.choice([None, "MultiRecord"]) if by_line else None,
        compression=chance.choice(["none", "none", "gzip"]),
    )
    knobs = scenario.knobs | {"MOST_OBJECTS": chance.choice([1, 3, 10_000])}
    # Cancelled more often, as that is what only transform jobs can be stopped by.
    cancel_at = scenario.cancel_at or chance.choice([None, None, None, 200.0, 1500.0])
    return replace(scenario, transform=transforming, knobs=knobs, cancel_at=cancel_at, mode="async")


def _hopeless(scenario: Scenario, chance: random.Random) -> Scenario:
    """The model refuses every record, in good order, so that it is seen what that costs."""
    make = _MAKERS[scenario.fmt]
    rows = [make(chance, f"r{number}x", "bad") for number in range(80)]
    return replace(
        scenario,
        body=b"\n".join(rows),
        region_bytes=10_000,
        max_records=8,
        tolerated=100,
        moods=replace(scenario.moods, failing=0.0, busy=0.0, latency=1.0),
        faults=replace(scenario.faults, interleave=0.0),
        knobs=scenario.knobs | {"SAMPLE": chance.choice([2, 4])},
    )


def _scenario(seed: int, chance: random.Random) -> Scenario:
    fmt = chance.choice(["csv", "csv", "jsonl", "text"])
    content_types = {"csv": ["text/csv"], "text": ["text/plain"]}
    jsonl = ["application/jsonlines", "application/json"]
    return Scenario(
        seed=seed,
        fmt=fmt,
        body=_body(chance, fmt),
        header=chance.choice(["absent", "drop", "send"]) if fmt == "csv" else "absent",
        content_type=chance.choice(content_types.get(fmt, jsonl)),
        region_bytes=chance.choice([7, 24, 40, 80, 200, 10_000]),
        max_records=chance.choice([1, 2, 3, 5, 8]),
        maximum_attempts=chance.choice([1, 2, 3, 6]),
        on_error=chance.choice(["inline", "inline", "omit", "fail"]),
        join=chance.choice(["none", "none", "input"]),
        deadline=chance.choice([60, 600]) if chance.random() < 0.04 else WEEK,
        tolerated=chance.choice([100, 100, 100, 40, 10, 0]),
        cancel_at=chance.choice([1.0, 30.0, 600.0]) if chance.random() < 0.1 else None,
        moods=_moods(chance),
        faults=_faults(chance),
        knobs=_knobs(chance),
        permits=chance.choice([1, 2, 3, 8, 2000]),
    )


def _moods(chance: random.Random) -> Moods:
    return Moods(
        throttled=chance.choice([0, 0, 0.1, 0.5]),
        failing=chance.choice([0, 0, 0.1, 0.4]),
        busy=chance.choice([0, 0, 0.1]),
        latency=chance.choice([0, 1, 30, 900]),
    )


def _faults(chance: random.Random) -> Faults:
    return Faults(
        kill=chance.choice([0, 0.003, 0.01]),
        fail=chance.choice([0, 0.003, 0.01]),
        interleave=chance.choice([0, 0.01, 0.1]),
        most=chance.choice([1, 3, 8]),
        duplicate=chance.choice([0, 0.1, 0.4]),
        lost=chance.choice([0, 0, 0.1]),
        delay=chance.choice([0, 0, 3, 60, 600]),
    )


def _knobs(chance: random.Random) -> dict[str, int]:
    """Limits of the product, turned down so that tens of records reach them."""
    minimum_part = chance.choice([4, 16, 60])
    return {
        "FAN_OUT": chance.choice([2, 3, 256]),
        "CHUNKS_PER_SEGMENT": chance.choice([1, 2, 3, 256]),
        "MESSAGES_AT_ONCE": chance.choice([1, 3, 1000]),
        "BLOCK": chance.choice([5, 64, 1 << 20]),
        "INLINE_LIMIT": chance.choice([30, 128_000]),
        "LARGEST_CHUNK": 1100,
        "SAMPLE": chance.choice([2, 4, 64]),
        "MAXIMUM_QUOTED_RECORD": 600,
        "MINIMUM_PART": minimum_part,
        "PART": minimum_part,
        "LARGEST_COPY": 3 * minimum_part,
        "SMALL": chance.choice([0, 100, 1 << 24]),
        "FIRST_LIMIT": chance.choice([1, 3, 10]),
        "LEAST_ROUND": chance.choice([1, 3, 8]),
        "PERMITS_PER_LANE": chance.choice([1, 2, 2000]),
    }


def _body(chance: random.Random, fmt: str) -> bytes:
    count = chance.choice([0, 1, 2, 10, 20, 40])
    make = _MAKERS[fmt]
    spoiled = chance.choice([0.0, 0.03, 0.15])
    rows = [make(chance, f"r{number}x", _nature(chance, spoiled)) for number in range(count)]
    line_end = chance.choice([b"\n", b"\n", b"\r\n"])
    body = b"".join(row + line_end for row in rows)
    if chance.random() < 0.3:
        body = body[: -len(line_end)]
    return (BOM if chance.random() < 0.1 else b"") + body


def _nature(chance: random.Random, spoiled: float) -> str:
    """`bad` is refused by the model, `short` has it answer too few results, `crash` has it fail.

    `garbled` is no text. `huge` records are too long to be held.
    """
    if chance.random() >= spoiled:
        return "blank" if chance.random() < 0.04 else "good"
    return chance.choice(["bad", "bad", "short", "crash", "garbled", "garbled", "huge"])


def _csv_row(chance: random.Random, name: str, nature: str) -> bytes:
    if nature == "blank":
        return chance.choice([b"", b" "])
    fillers = [
        b"plain",
        b'"a\nb"',
        b'"say ""no"", twice"',
        b'"\n\n"',
        b'5" pipe',
        "é".encode(),
        b"",
    ]
    filler = b'"' + b"l\n" * 700 + b'"' if nature == "huge" else chance.choice(fillers)
    return b",".join([name.encode(), _mark(nature), filler])


def _json_line(chance: random.Random, name: str, nature: str) -> bytes:
    if nature == "blank":
        return chance.choice([b"", b" \t"])
    if nature == "garbled":
        return chance.choice([b'{"id":"%s"', b'"%s\xff"', b"%s"]).replace(b"%s", name.encode())
    filler = "long" * 400 if nature == "huge" else chance.choice(["", "a\nb", "é", '"'])
    value: Any = f"{name} {nature} {filler}"
    return json.dumps(
        chance.choice([{"id": value}, [value], value]), ensure_ascii=chance.random() < 0.5
    ).encode()


def _text_line(chance: random.Random, name: str, nature: str) -> bytes:
    if nature == "blank":
        return b""
    filler = b"long" * 400 if nature == "huge" else chance.choice([b"", b'"', b", ", "é".encode()])
    return name.encode() + b" " + _mark(nature) + filler


_MAKERS: dict[str, Callable[[random.Random, str, str], bytes]] = {
    "csv": _csv_row,
    "jsonl": _json_line,
    "text": _text_line,
}


def _mark(nature: str) -> bytes:
    return b"\xff" if nature == "garbled" else nature.encode()
