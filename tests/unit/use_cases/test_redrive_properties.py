"""Whatever fails, is mended or is left: a redrive gives what one run would have given."""

import csv
import io
import json
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.use_cases.redriving import once_run, ran
from tests.unit.use_cases.world import CLIENT_ERROR, Failed, Predict, Request, Response, model

FILLERS = ["", "plain", "a\nb", 'say "no"', '"', "\n\n", "é, b", "x" * 40]
HEADER = b"name;note\n"


@dataclass(frozen=True)
class Fate:
    """Of one record: whether it fails at first, runs again, is mended then, and fails once more."""

    filler: str
    fails: bool
    runs: bool
    mended: bool
    again: bool


@dataclass(frozen=True)
class Case:
    fmt: str
    join: str
    on_error: str
    header: bool
    multiline: bool
    region_bytes: int
    fates: tuple[Fate, ...]

    @property
    def key(self) -> str:
        return {"csv": "in/x.csv", "jsonl": "in/x.jsonl", "text": "in/x.txt"}[self.fmt]

    @property
    def pipeline(self) -> str:
        csv_only = {"delimiter": ";", "header": "send" if self.header else False}
        document: dict[str, Any] = {
            "invoke": {"endpoint": "demo"} | ({"accept": "text/csv"} if self.fmt == "csv" else {}),
            "input": csv_only if self.fmt == "csv" else {},
            "chunk": {"max_records": 1},
            "output": {"join": self.join, "on_error": self.on_error},
        }
        return json.dumps(document)

    def record(self, number: int, *, mended: bool = False) -> str:
        name = f"r{number}x{'mended' if mended else ''}"
        filler = self.fates[number].filler
        if self.fmt == "csv":
            text = io.StringIO(newline="")
            csv.writer(text, delimiter=";", lineterminator="\n").writerow([name, filler])
            return text.getvalue().removesuffix("\n")
        if self.fmt == "jsonl":
            return json.dumps({"id": name, "note": filler})
        return f"{name} {filler}".replace("\n", " ")

    def body(self, *, mended: bool = False) -> bytes:
        records = [
            self.record(number, mended=mended and fate.fails and fate.runs and fate.mended)
            for number, fate in enumerate(self.fates)
        ]
        lines = "".join(f"{record}\n" for record in records).encode()
        return (HEADER if self.header else b"") + lines

    def model(self, *failing: int) -> Predict:
        """Fails on these records."""

        def predict(body: bytes, request: Request) -> Response:
            if self.header:
                assert body.startswith(HEADER)
                body = body.removeprefix(HEADER)
            if any(f"r{number}x".encode() in body for number in failing):
                return Failed(CLIENT_ERROR, b'it says: "no", twice\n')
            if self.multiline:
                return b'"%d\n""is"" it",1\n' % crc32(body)
            return b"%d\n" % crc32(body) if self.fmt == "csv" else model(body, request)

        return predict


fates = st.builds(
    Fate, st.sampled_from(FILLERS), *[st.booleans() for _ in ("fails", "runs", "mended", "again")]
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    fmt = draw(st.sampled_from(["csv", "jsonl", "text"]))
    return Case(
        fmt=fmt,
        join=draw(st.sampled_from(["none", "input"])),
        on_error=draw(st.sampled_from(["inline", "omit", "fail"])),
        header=fmt == "csv" and draw(st.booleans()),
        multiline=fmt == "csv" and draw(st.booleans()),
        region_bytes=draw(st.sampled_from([30, 200, 100_000])),
        fates=tuple(draw(st.lists(fates, min_size=1, max_size=12))),
    )


@given(cases())
def test_a_redrive_gives_what_one_run_would_have_given(case: Case) -> None:
    at_first = [number for number, fate in enumerate(case.fates) if fate.fails]
    redriven = [number for number in at_first if case.fates[number].runs]
    at_last = [number for number in at_first if number not in redriven or case.fates[number].again]
    before = ran(
        case.key,
        case.body(),
        case.model(*at_first),
        case.pipeline,
        region_bytes=case.region_bytes,
    )
    lines = [_mended(case, line) for line in before.error_file] if at_first else []
    dropped = [line for line in lines if line["record"] in redriven]

    if dropped:
        before.redrive(dropped, case.model(*at_last))

    expected = once_run(case.key, case.body(mended=True), case.pipeline, case.model(*at_last))
    assert before.world.output(case.key) == expected.output(case.key)
    manifest, wanted = before.world.manifest(case.key), expected.manifest(case.key)
    assert manifest["records"] == wanted["records"]
    assert manifest["status"] == wanted["status"]
    left = before.error_file if "errors" in manifest["outputs"] else []
    assert [_reason(line) for line in left] == [
        _reason(line) for line in (expected.errors(case.key) if at_last else [])
    ]


def _mended(case: Case, line: dict[str, Any]) -> dict[str, Any]:
    number = line["record"]
    mended = case.fates[number].mended
    return line | {"input": case.record(number, mended=True)} if mended else line


def _reason(line: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(line[name] for name in ("record", "error", "message", "attempts", "input"))
