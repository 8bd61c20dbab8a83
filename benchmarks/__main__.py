"""Runs all benchmarks, or those that are named: `python -m benchmarks [name ...]`."""

import argparse
import subprocess
import sys

BENCHMARKS = (
    "splitting",
    "memory",
    "capacity",
    "requests",
    "redriving",
    "inference_types",
    "end_to_end",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(BENCHMARKS))
    names = parser.parse_args().names or BENCHMARKS
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark is called {unknown[0]}; there are {', '.join(BENCHMARKS)}")
    failed = [name for name in names if not _ran_well(name)]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return len(failed)


def _ran_well(name: str) -> bool:
    """Each in a process of its own: none measures what another left behind."""
    print(f"\n## {name}", flush=True)
    command = [sys.executable, "-m", f"benchmarks.{name}"]
    return subprocess.run(command, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
