"""Small inputs that would become large, and deep ones: refused within bounds of memory.

Measured by tracemalloc, which counts what Python allocates. That no test here takes long is seen
in the durations; nothing asserts it.
"""

import gzip
import json
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from penstock.domain.envelopes import document_of, unwrapped
from penstock.domain.errors import PermanentError
from penstock.domain.json_text import DEEPEST, parse
from penstock.domain.payload import find_rejections
from penstock.domain.results import split_results
from penstock.pipeline_file import MAXIMUM_FILE, InvalidPipelineError, load_pipeline
from penstock.selection import compile_selection
from penstock.use_cases.read_records import LARGEST_CHUNK
from tests.conventions.sources import product
from tests.unit.security.witness import Witness
from tests.unit.use_cases.world import World

MIB = 1024**2
JSON = "application/json"


@contextmanager
def at_most(size: float) -> Iterator[None]:
    """Bytes that may be allocated at a time within the block."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= size, f"{peak / MIB:.1f} MiB"


def filled(unit: str, size: int) -> str:
    return "[" + ",".join([unit] * (size // (len(unit) + 1))) + "]"


REFUSED = {
    "lists in lists": "[" * (8 * MIB),
    "lists in lists, closed": "[" * (4 * MIB) + "]" * (4 * MIB),
    "objects in objects": '{"a":' * MIB,
    "as many empty objects as fit into a record": filled("{}", LARGEST_CHUNK),
    "as many small objects as fit into a record": filled('{"":0}', LARGEST_CHUNK),
    "as many empty lists as fit into a record": filled("[]", LARGEST_CHUNK),
    "a digit eight million times": "9" * (8 * MIB),
    "a text that never ends": '"' + "a" * (8 * MIB),
    "a text that never ends, with brackets": '"' + "[{" * (8 * MIB),
    "quotes that are escaped and never end": '[{"' * 600 + '\\"' * (4 * MIB),
}
FINE = {
    "a text of brackets": '"' + "[{" * (4 * MIB) + '"',
    "a text of escaped quotes, and brackets": "[" * 400
    + '"[{'
    + '\\"' * (4 * MIB)
    + '"'
    + "]" * 400,
    "deep ones side by side": filled("[" * 400 + "]" * 400, MIB // 4),
    "small objects": filled("{}", MIB),
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_a_record_that_is_a_bomb_is_refused(text: str) -> None:
    record = text.encode()

    with at_most(5 * len(record) + MIB):
        (rejection,) = find_rejections("jsonl", [record])

    assert rejection.code in {"InvalidJson", "RecordTooLarge"}


@pytest.mark.parametrize("text", FINE.values(), ids=FINE)
def test_a_record_that_only_looks_like_a_bomb_is_read_within_the_bounds(text: str) -> None:
    record = text.encode()

    with at_most(512 * MIB):  # of the 1,769 MiB of invoke_model
        assert find_rejections("jsonl", [record]) == []


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_a_response_that_is_a_bomb_is_refused(text: str) -> None:
    body = f'{{"predictions": {text}}}'.encode()

    with at_most(5 * len(body) + MIB), pytest.raises(PermanentError) as caught:
        split_results(body, JSON, None)

    assert caught.value.code in {"UnreadableResponse", "ObjectTooLarge"}


@pytest.mark.parametrize("read", [document_of, unwrapped])
@pytest.mark.parametrize(
    "body", ["[" * MIB, '{"a":' * 200_000, '{"Type":"Notification","Message":"' + "[" * MIB + '"}']
)
def test_a_message_that_is_a_bomb_is_read_in_little_memory(
    read: Callable[[str], object], body: str
) -> None:
    with at_most(16 * MIB), suppress(PermanentError):
        read(body)


SOUND = "invoke: {endpoint: demo}\n"
ALIASES = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60))]
PIPELINES = {
    "aliases that double sixty times": "\n".join(ALIASES),
    "an alias of itself": "a: &a [*a]\n",
    "merges that double": "a: &a {x: 1}\nb: {<<: [*a, *a]}\n",
    "lists in lists": "a: " + "[" * MAXIMUM_FILE,
    "lists in lists, closed": "a: [" + ("[" * 200 + "]" * 200 + ",") * 160 + "]",
    "blocks in blocks": "".join(" " * depth + "a:\n" for depth in range(350)),
    "keys in keys": "? " * 30_000,
    "many keys": "".join(f"{number}: \n" for number in range(2000)),
    "many anchors": "".join(f"a{number}: &a{number} 1\n" for number in range(2000)),
    "a long number": "deadline: " + "9" * 65_000,
    "a long time": "deadline: 1" + ":59" * 20_000,
    "a long date": "deadline: 2026-01-01t00:00:00." + "1" * 65_000,
    "a large object of Base64": "deadline: !!binary " + "A" * 65_000,
    "a selection in brackets": SOUND + "output: {select: '" + "(" * 60_000 + "'}",
    "a selection of alternatives": SOUND + "output: {select: '" + "a||" * 20_000 + "a'}",
    "a file that is too long": "#" * (MAXIMUM_FILE + 1),
}


@pytest.mark.parametrize("text", PIPELINES.values(), ids=PIPELINES)
def test_a_pipeline_file_is_read_in_little_memory_and_told_in_few_words(text: str) -> None:
    with at_most(32 * MIB), pytest.raises(InvalidPipelineError) as caught:
        load_pipeline(text[: MAXIMUM_FILE + 1], "in/_pipeline.yaml")

    assert len(caught.value.message) < 20_000


@pytest.mark.parametrize(
    "expression",
    [
        " | ".join(["[@, @]"] * 30),
        " | ".join(["[@, @][]"] * 30),
        " | ".join(["join('', [@, @])"] * 30),
        " | ".join(["{a: @, b: @}"] * 30),
        "to_string(" * 20 + "@" + ")" * 20,
        "join(to_string(@), @)",
        "map(&[@, @, @, @], map(&[@, @, @, @], map(&[@, @, @, @], map(&[@, @, @, @], @))))",
    ],
)
def test_a_selection_that_multiplies_the_answer_is_refused(expression: str) -> None:
    with at_most(4 * MIB), pytest.raises(PermanentError, match=r"too many times|must be a literal"):
        compile_selection(expression)


def test_nesting_is_judged_the_same_at_any_depth_of_the_stack() -> None:
    """Else a record that was sent could be refused when the output is assembled."""
    deep = "[" * DEEPEST + "]" * DEEPEST

    def judged(text: str, frames: int) -> bool:
        if frames:
            return judged(text, frames - 1)
        try:
            parse(text)
        except PermanentError:
            return False
        return True

    for frames in (0, 100, 300):
        assert judged(deep, frames)
        assert not judged(f"[{deep}]", frames)


ZEROS = gzip.compress(b"0" * (64 * MIB))


@pytest.mark.parametrize("key", ["in/zeros.csv.gz", "in/zeros.csv"])
def test_a_decompression_bomb_stays_as_small_as_it_is(key: str) -> None:
    witness = Witness()
    world = World(wrap=witness.around, region_bytes=2**20)
    world.drop(key, ZEROS)

    with at_most(16 * MIB):
        world.run()

    failure = world.manifest(key)["failure"]
    if key.endswith(".gz"):
        assert failure["code"] == "UnreadableFormat"
        assert "decompress it and drop it again" in failure["message"]
        assert ("input", key) not in witness.read
    else:
        assert failure["code"] == "NothingSucceeded"
        assert {each["error"] for each in world.errors(key)} == {"InvalidUtf8"}


def test_nothing_in_the_product_decompresses() -> None:
    unpackers = {"gzip", "zlib", "bz2", "lzma", "zipfile", "tarfile", "zstandard", "shutil"}
    deployed = [each for each in product() if each.path.startswith(("layers/", "functions/"))]

    users = {each.path for each in deployed if unpackers & each.packages}

    assert users == {"layers/penstock/penstock/use_cases/stage_chunk.py"}  # it compresses


def test_a_line_of_json_is_written_in_about_its_own_size() -> None:
    record = json.dumps({"text": "é" * MIB}).encode()

    with at_most(32 * MIB):
        assert find_rejections("jsonl", [record]) == []
