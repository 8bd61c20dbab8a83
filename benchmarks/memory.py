"""Peak memory of split_input and assemble_output, by the size of the file.

    python -m benchmarks.memory [--megabytes 10 100 1000]

Each runs the real use cases in a process of its own, over all regions or segments in turn, as one
warm Lambda would; the ports hold nothing (see `synthetic`). What counts is the growth over what the
process had before the job: the interpreter with its imports.
"""

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.synthetic import DiskQueues, DiskTable, SyntheticObjects
from penstock.domain.job import Job, JobStatus, Source, Totals
from penstock.pipeline_file import load_pipeline
from penstock.selection import compile_selection
from penstock.settings import Settings
from penstock.testing import FakeAdmissions, FakeAnnouncer, FakeJournal
from penstock.use_cases.abort_leaks import AbortLeaks
from penstock.use_cases.assemble_output import AssembleSegment
from penstock.use_cases.compose_object import ComposeObject
from penstock.use_cases.finish_job import FinishJob
from penstock.use_cases.lanes import Lanes
from penstock.use_cases.pieces import MergePieces
from penstock.use_cases.probation import Probation
from penstock.use_cases.split_input import SplitInput, regions_of

MB = 1_000_000
JOB = "0" * 20
REGION_BYTES = Settings("table", "work").region_bytes
ANSWER_BYTES = {"short answers": 12, "long answers": 120}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--run", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        step, folder, megabytes, answer_bytes = arguments.run
        _print_peak(step, Path(folder), int(megabytes) * MB, int(answer_bytes))
        return
    print("| file | step | seconds | MB before | MB at the peak | growth |")
    print("| ---: | --- | ---: | ---: | ---: | ---: |")
    for megabytes in arguments.megabytes:
        _measure(megabytes)


def _measure(megabytes: int) -> None:
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        _print_row(megabytes, "split_input", _run("split", folder, megabytes, 0))
        for name, size in ANSWER_BYTES.items():
            found = _run("assemble", folder, megabytes, size)
            _print_row(megabytes, f"assemble_output, {name}", found)


def _run(step: str, folder: str, megabytes: int, answer_bytes: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.memory"]
    command += ["--run", step, folder, str(megabytes), str(answer_bytes)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return dict(json.loads(ended.stdout))


def _print_row(megabytes: int, step: str, found: dict[str, float]) -> None:
    growth = found["peak"] - found["before"]
    print(
        f"| {megabytes} MB | {step} | {found['seconds']:.1f} | {found['before']:.0f} "
        f"| {found['peak']:.0f} | {growth:.0f} |",
        flush=True,
    )


def _print_peak(step: str, folder: Path, size: int, answer_bytes: int) -> None:
    objects, table = SyntheticObjects(folder, answer_bytes), DiskTable(folder)
    table.create_job(_job(size, folder))
    before, began = _peak(), time.perf_counter()
    if step == "split":
        _split(objects, table, folder)
    else:
        _assemble(objects, table)
    document = {"before": before, "peak": _peak(), "seconds": time.perf_counter() - began}
    print(json.dumps(document))


def _job(size: int, folder: Path) -> Job:
    totals = folder / "totals.json"
    return Job(
        job_id=JOB,
        source=Source("input", "rows.csv", size, "etag", "version"),
        pipeline=load_pipeline("invoke: {endpoint: demo}\n", "_pipeline.yaml"),
        region_bytes=REGION_BYTES,
        created_at=0.0,
        status=JobStatus.SPLITTING,
        totals=Totals(**json.loads(totals.read_text())) if totals.exists() else None,
    )


def _split(objects: SyntheticObjects, table: DiskTable, folder: Path) -> None:
    queues = DiskQueues(folder)
    split_input = SplitInput(objects, table, queues, FakeJournal(), lambda: 0.0, "work")
    for region in range(len(regions_of(table.jobs[JOB]))):
        split_input({"kind": "scan", "job_id": JOB, "region": region})
    for message in queues.take():
        split_input(message)
    totals = table.jobs[JOB].totals
    if totals is None:
        raise RuntimeError("the job was not split")
    document = {"records": totals.records, "chunks": totals.chunks, "segments": totals.segments}
    (folder / "totals.json").write_text(json.dumps(document))


def _assemble(objects: SyntheticObjects, table: DiskTable) -> None:
    totals = table.jobs[JOB].totals
    merge = MergePieces(table, ComposeObject(objects), "work")
    finish = _finish(objects, table)
    probation = Probation(table, FakeJournal(), lambda: 0.0)
    assemble = AssembleSegment(objects, table, merge, finish, compile_selection, probation, "work")
    for segment in range(totals.segments if totals else 0):
        chunks = len(table.get_segment(JOB, segment))
        message: dict[str, Any] = {"job_id": JOB, "segment": segment, "chunks": chunks}
        assemble(message)
    if table.jobs[JOB].status is not JobStatus.SUCCEEDED:
        raise RuntimeError(f"the job ended as {table.jobs[JOB]}")


def _finish(objects: SyntheticObjects, table: DiskTable) -> FinishJob:
    return FinishJob(
        objects=objects,
        table=table,
        announcer=FakeAnnouncer(),
        lanes=Lanes(FakeAdmissions(), FakeJournal(), lambda: 0.0, cap=200),
        compose=ComposeObject(objects),
        abort_leaks=AbortLeaks(objects, FakeJournal(), lambda: 0.0, "work", "output"),
        journal=FakeJournal(),
        now=lambda: 0.0,
        work_bucket="work",
        output_bucket="output",
    )


def _peak() -> float:
    """Megabytes of memory that the process has ever held."""
    # Linux counts into a child's ru_maxrss what its parent held when it was forked.
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        if found:
            return int(found[1]) * 1024 / MB
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / MB


if __name__ == "__main__":
    main()
