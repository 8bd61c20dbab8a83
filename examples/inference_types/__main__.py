"""python -m examples.inference_types [NAME ...]: examples on the local stack, checked line by line.

Needs `penstock local up`. Without names, all of them.
"""

import json
import sys
from pathlib import Path

from botocore.exceptions import ClientError

from examples.inference_types import EXAMPLES
from examples.inference_types.example import Example, Stack, run

LOCAL = Path(".penstock/local.json")


def main(names: list[str]) -> int:
    unknown = set(names) - set(EXAMPLES)
    if unknown:
        print(f"no example {', '.join(unknown)}; there are {', '.join(EXAMPLES)}", file=sys.stderr)
        return 2
    if not LOCAL.exists():
        print("no local stack here: run `penstock local up` first", file=sys.stderr)
        return 2
    stack = json.loads(LOCAL.read_text())
    good = [_show(stack, EXAMPLES[name]) for name in names or EXAMPLES]
    return 0 if all(good) else 1


def _show(stack: Stack, example: Example) -> bool:
    print(f"\n== {example.name}: {example.about}\n\n{example.pipeline}")
    _create(stack, example)
    finished = run(stack, example)
    right = finished.lines == example.expected
    counts = " ".join(f"{name}={count}" for name, count in finished.manifest["records"].items())
    print(f"{example.key}: {finished.manifest['status']} {counts} as expected: {right}")
    for name in ("variants", "choice"):
        if name in finished.manifest:
            print(f"{name}: {json.dumps(finished.manifest[name])}")
    return right


def _create(stack: Stack, example: Example) -> None:
    try:
        example.create(stack)
    except ClientError as error:
        if "existing" not in str(error) and "already exist" not in str(error):
            raise
        print("(its endpoint is there already)")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
