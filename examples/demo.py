"""The whole product on this machine: local stack, real model, real file, checked line by line.

Run it with `make demo`. Its last line is
`demo: OK records=<n> succeeded=<n> failed=<n> ordered=true seconds=<t>`; if anything is off it ends
with a message and exit code 1 instead. It has a stack of its own, beside one that may be up.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from examples.digits.make_data import Shape, write_data  # noqa: E402
from examples.digits.reference import predict_lines  # noqa: E402
from examples.digits.train import train  # noqa: E402
from examples.local_endpoint import Endpoint, client, create_endpoint  # noqa: E402
from penstock_local import stack  # noqa: E402
from penstock_local.errors import LocalStackError  # noqa: E402
from penstock_local.layout import Layout  # noqa: E402

PLACE = ROOT / ".penstock" / "demo"
PENSTOCK = Path(sys.executable).with_name("penstock")
FIRST_LINES = 5


class DemoError(Exception):
    """Something is not as promised."""


def main() -> int:
    began = time.monotonic()
    try:
        with _local_stack() as local:
            model = _prepare_model(local)
            manifest = _run(local)
            _check(local, model, manifest)
    except (DemoError, OSError, RuntimeError, LocalStackError) as error:
        print(f"demo: FAILED {error}", file=sys.stderr)
        return 1
    counts = " ".join(f"{name}={count}" for name, count in _counts(manifest).items())
    print(f"demo: OK {counts} ordered=true seconds={time.monotonic() - began:.0f}")
    return 0


@contextmanager
def _local_stack() -> Iterator[Mapping[str, str]]:
    layout = Layout(ROOT, PLACE / ".penstock")
    _title("Starting the local stack: S3, SQS, SNS, DynamoDB, Lambda, SageMaker, no AWS account")
    try:
        yield stack.up(stack.Wanted(layout), _say)
    finally:
        _title("Shutting down")
        stack.down(layout, _say)


def _prepare_model(local: Mapping[str, str]) -> Path:
    _title("Training a model on scikit-learn's handwritten digits, and serving it")
    model = PLACE / "model"
    metadata, _ = train(model)
    _say(f"accuracy on images it has not seen: {metadata.accuracy:.1%}")
    image = ROOT / "examples" / "digits" / "image"
    create_endpoint(local, Endpoint("demo", image, {"SM_MODEL_DIR": str(model)}))
    _say("endpoint demo is in service")
    return model


def _run(local: Mapping[str, str]) -> dict[str, Any]:
    _title("Dropping a file")
    source = PLACE / "digits.csv"
    write_data(source, Shape())
    pipeline = ROOT / "examples" / "digits" / "_pipeline.yaml"
    _penstock("configure", pipeline, "--pipeline", "digits")
    _penstock("submit", source, "--pipeline", "digits", "--wait")
    return dict(json.loads(_read(local, "digits/digits.csv.manifest.json")))


def _penstock(command: str, file: Path, *options: str) -> None:
    """A stack that the user keeps is not touched: the command finds this one from its folder."""
    _say(f"$ {' '.join(['penstock', command, file.name, *options])}")
    words = [str(PENSTOCK), command, str(file), *options]
    if subprocess.run(words, cwd=PLACE, check=False).returncode:  # noqa: S603  our own command
        raise DemoError(f"penstock {command} failed; see the message above")


def _check(local: Mapping[str, str], model: Path, manifest: dict[str, Any]) -> None:
    _title("Checking the output against the model, called directly")
    delivered = _read(local, "digits/digits.csv.out").decode().splitlines()
    expected = predict_lines(model, PLACE / "digits.csv")
    if len(delivered) != len(expected):
        raise DemoError(f"{len(delivered)} lines came out, {len(expected)} records went in")
    wrong = next(
        (i for i, pair in enumerate(zip(delivered, expected, strict=True)) if pair[0] != pair[1]),
        None,
    )
    if wrong is not None:
        raise DemoError(f"line {wrong}: {delivered[wrong]}, but the model says {expected[wrong]}")
    if _counts(manifest) != {"records": len(expected), "succeeded": len(expected), "failed": 0}:
        raise DemoError(f"the manifest says {manifest['records']}")
    _say(f"all {len(expected):,} lines are the model's own predictions, in the order of the input")
    _say(f"first lines of digits.csv.out: {', '.join(delivered[:FIRST_LINES])}")
    _say(
        f"{manifest['chunks']} invocations, {manifest['retries']} retries, "
        f"{manifest['timings']['seconds']:.1f} s, "
        f"on AWS about ${manifest['cost_estimate']['usd']:.4f} beside the model"
    )


def _counts(manifest: dict[str, Any]) -> dict[str, int]:
    records = manifest["records"]
    return {
        "records": records["total"],
        "succeeded": records["succeeded"],
        "failed": records["failed"],
    }


def _read(local: Mapping[str, str], key: str) -> bytes:
    answer = client(local, "s3").get_object(Bucket=local["output_bucket"], Key=key)
    return bytes(answer["Body"].read())


def _title(text: str) -> None:
    print(f"\n== {text}", flush=True)


def _say(text: str) -> None:
    print(f"   {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
