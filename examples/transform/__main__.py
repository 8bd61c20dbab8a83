"""python -m examples.transform: a file through Batch Transform on the local stack.

Needs `penstock local up`.
"""

import json
import sys
from pathlib import Path

from botocore.exceptions import ClientError

from examples.inference_types.example import Stack, run
from examples.transform.notes import BAD, EXAMPLE

LOCAL = Path(".penstock/local.json")


def main() -> int:
    if not LOCAL.exists():
        print("no local stack here: run `penstock local up` first", file=sys.stderr)
        return 2
    stack = json.loads(LOCAL.read_text())
    print(f"{EXAMPLE.about}\n\n{EXAMPLE.pipeline}")
    _create(stack)
    finished = run(stack, EXAMPLE)
    pairs = enumerate(zip(finished.lines, EXAMPLE.expected, strict=True))
    wrong = [number for number, (line, expected) in pairs if line != expected]
    print(f"{finished.manifest['status']}: {finished.manifest['records']}")
    for job in finished.manifest["transform_jobs"]:
        print(f"{job['name']}: {job['chunks']} chunks, {job['status']}, {job['billed_seconds']} s")
    print(f"line {BAD}: {finished.lines[BAD]}")
    print(f"all other lines as expected, in order: {wrong == [BAD]}")
    return int(wrong != [BAD])


def _create(stack: Stack) -> None:
    try:
        EXAMPLE.create(stack)
    except ClientError as error:
        if "existing" not in str(error) and "already exist" not in str(error):
            raise
        print("(its model is there already)")


if __name__ == "__main__":
    sys.exit(main())
