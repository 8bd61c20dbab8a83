"""A file of what Batch Transform by itself can't bear, and what must come of it."""

from pathlib import Path

from examples.echo.echo_reference import expected_lines
from examples.inference_types.example import Example, File, Stack, create_model
from examples.local_endpoint import image_url

HERE = Path(__file__).parent
MODEL = "transform-example"
BAD = 13
"""The record that the model refuses."""


def record(number: int) -> bytes:
    note = "poison" if number == BAD else f'"note {number}\nin two lines"'
    return f"{number},{note}".encode()


RECORDS = [record(number) for number in range(40)]


def notes(count: int) -> File:
    records = RECORDS[:count]
    return File(b"id,note\n" + b"\n".join(records) + b"\n", expected_lines(records))


def create(stack: Stack) -> None:
    create_model(stack, MODEL, {"Image": image_url(HERE.parent / "echo" / "image")})


EXAMPLE = Example(
    name="transform",
    about="Batch Transform, with a header, quoted newlines and a record that the model refuses",
    create=create,
    pipeline=(HERE / "_pipeline.yaml").read_text(encoding="utf-8"),
    key="notes.csv",
    records=len(RECORDS),
    file=notes,
)
