"""python -m examples.inference_types [NAME ...]: examples on the local stack, checked line by line.

Needs `penstock local up`. Without names, all of them.
"""

import json
import sys

from examples.inference_types import EXAMPLES
from examples.inference_types.example import Example, Stack, create, local_stack, run


def main(names: list[str]) -> int:
    unknown = set(names) - set(EXAMPLES)
    if unknown:
        print(f"no example {', '.join(unknown)}; there are {', '.join(EXAMPLES)}", file=sys.stderr)
        return 2
    stack = local_stack()
    good = [_show(stack, EXAMPLES[name]) for name in names or EXAMPLES]
    return 0 if all(good) else 1


def _show(stack: Stack, example: Example) -> bool:
    print(f"\n== {example.name}: {example.about}\n\n{example.pipeline}")
    create(stack, example)
    finished = run(stack, example)
    right = finished.lines == example.expected
    counts = " ".join(f"{name}={count}" for name, count in finished.manifest["records"].items())
    print(f"{example.key}: {finished.manifest['status']} {counts} as expected: {right}")
    for name in ("variants", "choice"):
        if name in finished.manifest:
            print(f"{name}: {json.dumps(finished.manifest[name])}")
    return right


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
