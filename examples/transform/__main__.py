"""python -m examples.transform: a file through Batch Transform on the local stack.

Needs `penstock local up`.
"""

import sys

from examples.inference_types.example import create, local_stack, run
from examples.transform.notes import BAD, EXAMPLE


def main() -> int:
    stack = local_stack()
    print(f"{EXAMPLE.about}\n\n{EXAMPLE.pipeline}")
    create(stack, EXAMPLE)
    finished = run(stack, EXAMPLE)
    pairs = enumerate(zip(finished.lines, EXAMPLE.expected, strict=True))
    wrong = [number for number, (line, expected) in pairs if line != expected]
    print(f"{finished.manifest['status']}: {finished.manifest['records']}")
    for job in finished.manifest["transform_jobs"]:
        print(f"{job['name']}: {job['chunks']} chunks, {job['status']}, {job['billed_seconds']} s")
    print(f"line {BAD}: {finished.lines[BAD]}")
    print(f"all other lines as expected, in order: {wrong == [BAD]}")
    return int(wrong != [BAD])


if __name__ == "__main__":
    sys.exit(main())
