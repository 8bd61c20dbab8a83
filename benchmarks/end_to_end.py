"""Whole jobs on the local stack beside the bare model: a smoke figure, not AWS's speed.

    python -m benchmarks.end_to_end [--records 10000 100000]

The model is called over HTTP with the same chunks, in one thread, on one connection; its answers
must be the job's output.
"""

import argparse
import http.client
import itertools
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.local_job import (
    DIGITS_IMAGE,
    ECHO_IMAGE,
    Drop,
    Local,
    configure,
    local_stack,
    model_server,
    read_output,
    run_job,
)
from examples.digits.make_data import Shape
from examples.digits.make_data import lines as digits_lines
from examples.digits.train import train
from examples.local_endpoint import Endpoint, create_endpoint

RECORDS_PER_CHUNK = 500
WARM_UP = 20_000


@dataclass(frozen=True)
class Contest:
    """One model and what it is fed. `records` gives the lines, after the header if there is one."""

    name: str
    image: Path
    environment: Mapping[str, str]
    suffix: str
    content_type: str
    header: bytes
    records: Callable[[int], list[bytes]]

    @property
    def endpoint(self) -> str:
        return f"bench-{self.name}"

    @property
    def pipeline(self) -> str:
        header = "\ninput: {header: send}" if self.header else ""
        invoke = f"{{endpoint: {self.endpoint}, content_type: {self.content_type}}}"
        return f"invoke: {invoke}{header}\nchunk: {{max_records: {RECORDS_PER_CHUNK}}}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, nargs="+", default=[10_000, 100_000])
    sizes = parser.parse_args().records
    with (
        tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder,
        local_stack(EndpointNamePattern="bench-*") as local,
    ):
        train(Path(folder))
        rows = [row for contest in _contests(folder) for row in _compared(local, contest, sizes)]
    print("\n| model | records | chunks | job, s | model alone, s | ratio |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    print("\n".join(rows))


def _contests(model: str) -> list[Contest]:
    return [
        Contest("echo", ECHO_IMAGE, {}, "txt", "text/plain", b"", _text_records),
        Contest(
            "digits",
            DIGITS_IMAGE,
            {"SM_MODEL_DIR": model},
            "csv",
            "text/csv",
            next(digits_lines(Shape(records=1))).encode(),
            lambda count: [row.encode() for row in digits_lines(Shape(count, header=False))],
        ),
    ]


def _text_records(count: int) -> list[bytes]:
    return [b"record %09d of a text file, as long as many are\n" % each for each in range(count)]


def _compared(local: Local, contest: Contest, sizes: list[int]) -> Iterator[str]:
    create_endpoint(local, Endpoint(contest.endpoint, contest.image, contest.environment))
    configure(local, contest.name, contest.pipeline)
    _job(local, contest, WARM_UP)
    with model_server(contest.image, contest.environment) as url:
        _alone(url, contest, WARM_UP)
        for size in sizes:
            alone, answers = _alone(url, contest, size)
            job, output = _job(local, contest, size)
            if output != answers:
                raise RuntimeError(f"{contest.name}: the job's output isn't what the model answers")
            chunks = -(-size // RECORDS_PER_CHUNK)
            yield (
                f"| {contest.name} | {size:,} | {chunks} | {job:.1f} | {alone:.1f} "
                f"| {job / alone:.1f} |"
            )


def _job(local: Local, contest: Contest, size: int) -> tuple[float, bytes]:
    """Seconds from the drop to the announcement, and the output."""
    key = f"{contest.name}/{size}.{contest.suffix}"
    body = contest.header + b"".join(contest.records(size))
    began = time.monotonic()
    run_job(local, Drop(key, body))
    return time.monotonic() - began, read_output(local, f"{key}.out")


def _alone(url: str, contest: Contest, size: int) -> tuple[float, bytes]:
    """Seconds from the first request to the last answer, and the answers."""
    records = iter(contest.records(size))
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    headers = {"Content-Type": contest.content_type, "Accept": contest.content_type}
    answers = []
    began = time.monotonic()
    while chunk := list(itertools.islice(records, RECORDS_PER_CHUNK)):
        connection.request("POST", "/invocations", contest.header + b"".join(chunk), headers)
        answers.append(connection.getresponse().read())
    elapsed = time.monotonic() - began
    connection.close()
    return elapsed, b"".join(answers)


if __name__ == "__main__":
    main()
