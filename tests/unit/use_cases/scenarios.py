"""Jobs that together take every way through the use cases."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from penstock.domain.trouble import InvocationError, Kind, Trouble
from tests.unit.use_cases.redriving import DEMO, SINGLY, Ran, disliking, jsonl, ran
from tests.unit.use_cases.world import (
    CLIENT_ERROR,
    SERVER_ERROR,
    Failed,
    Predict,
    Request,
    Response,
    World,
    model,
)

SMALL_CHUNKS = "chunk: {max_records: 2}\n"
RETRIES = "retry: {maximum_attempts: 3}\n"
LONG = b"".join(b"bad%d " % number + b"x" * 11_000 + b"\n" for number in range(4))
CSV = b'id,note\n1,"a\nb"\n2,plain\n3,\xff\n4,"again\n\n, and ""again"""\n5,retry\n6,bad\n7,busy\n'


@dataclass(frozen=True)
class Scenario:
    """One dropped object; `set_up` prepares a world for it.

    `borders` has words of the calls worth an interruption: of all, but where a run takes long.
    `redriven` is the file whose records failed, where the object has their lines.
    """

    key: str
    body: bytes
    pipeline: str = "invoke: {endpoint: demo}\n"
    region_bytes: int = 1000
    predict: Predict = model
    set_up: Callable[[World], None] = lambda _world: None
    borders: tuple[str, ...] = ("",)
    redriven: str | None = None

    @property
    def output_key(self) -> str:
        """The key that the outputs are known by."""
        return self.redriven or self.key

    def world(self, **options: Any) -> World:
        world = World(
            self.predict, pipeline=self.pipeline, region_bytes=self.region_bytes, **options
        )
        self.set_up(world)
        return world

    def dropped(self, **options: Any) -> World:
        world = self.world(**options)
        world.drop(self.key, self.body)
        return world


def moody(body: bytes, request: Request) -> Response:
    """Fails a first attempt on `retry`, and every attempt on `bad`. Knows a header."""
    body = body.removeprefix(b"id,note\n")
    if b"bad" in body:
        return Failed(CLIENT_ERROR, b"I don't like `bad`")
    if b"retry" in body and request.inference_id.split(":")[2] == "1":
        return Failed(SERVER_ERROR)
    return model(body, request)


def busy_at_first(world: World) -> None:
    """Two throttles for the chunk with `busy`, then a lost connection, then it is taken."""
    calls: list[Request] = []

    def behaviour(request: Request) -> None:
        if b"busy" in (request.body or b""):
            calls.append(request)
            if len(calls) <= 2:
                raise InvocationError(Trouble(Kind.UNAVAILABLE, "ThrottlingException", "slow"))
            if len(calls) == 3:
                raise InvocationError(Trouble(Kind.RETRYABLE, "ConnectionError", "reset"))

    world.model.behaviour = behaviour


def cold_at_first(world: World) -> None:
    """The model of the same name is being loaded when it is first asked for."""
    calls: list[Request] = []

    def behaviour(request: Request) -> None:
        if b"cold" in (request.body or b""):
            calls.append(request)
            if len(calls) == 1:
                raise InvocationError(
                    Trouble(Kind.UNAVAILABLE, "ModelNotReadyException", "loading")
                )

    world.model.behaviour = behaviour


def refusing(world: World) -> None:
    def behaviour(_request: Request) -> None:
        raise InvocationError(Trouble(Kind.PERMANENT, "ValidationError", "no such endpoint"))

    world.model.behaviour = behaviour


def with_bad_pipeline(world: World) -> None:
    world.put("in/_pipeline.yaml", "invoke: {endpint: typo}\n")


@cache
def _verbose(body: bytes) -> bytes:
    return b"".join(row + b"." * (9 * 1024**2 * (len(row) > 1)) + b"\n" for row in body.split())


def verbose(body: bytes, _request: Request) -> Response:
    """Nine mebibytes for each record that is long; the same ones in hundreds of runs."""
    return _verbose(body)


HEADER = "input: {header: send}\n"
JOINED = "output: {join: input}\n"


def redrive(before: Ran, **how: Any) -> Scenario:
    """Of all lines, mended where `moody` would refuse them again."""
    lines = jsonl(before.error_file).replace(b"6,bad", b"6,good")
    pipeline = how.pop("pipeline")
    return Scenario(
        before.dropped_key, lines, pipeline, set_up=before.restore, redriven=before.key, **how
    )


FEW = ran("in/few.txt", b"aa\nbad\ncc\n", disliking(b"bad", then=verbose), DEMO + SINGLY)

TRANSFORM = "invoke: {mode: transform, model: demo, instance_type: ml.m5.large}\n"


def without_models(world: World) -> None:
    world.transforms.models = frozenset()


SCENARIOS = {
    "a transform in many regions": Scenario(
        "in/rows.csv",
        CSV.replace(b"retry", b"again"),
        TRANSFORM + HEADER + SMALL_CHUNKS,
        region_bytes=24,
        predict=moody,
    ),
    "a transform of the file as it is": Scenario("in/rows.csv", b"1,2\n3,4\n", TRANSFORM),
    "a transform in which records fail side by side": Scenario(
        "in/rows.csv", b"1,bad\n2,retry\n3,good\n4,bad\n", TRANSFORM + SINGLY, predict=moody
    ),
    "a transform of a model that there is not": Scenario(
        "in/rows.csv", b"1\n2\n3\n", TRANSFORM + SMALL_CHUNKS, set_up=without_models
    ),
    "csv in many regions": Scenario(
        "in/rows.csv",
        CSV,
        "invoke: {endpoint: demo}\n" + HEADER + SMALL_CHUNKS + RETRIES,
        region_bytes=24,
        predict=moody,
        set_up=busy_at_first,
    ),
    "csv in one region": Scenario(
        "in/rows.csv",
        CSV,
        "invoke: {endpoint: demo}\noutput: {join: input}\n" + SMALL_CHUNKS + RETRIES,
        predict=moody,
        set_up=busy_at_first,
    ),
    "json lines, some refused here": Scenario(
        "in/lines.jsonl",
        b'{"a":1}\n{"a":\n\nnot json\n[2]\n\xff\n',
        "invoke: {endpoint: demo}\n" + SMALL_CHUNKS,
    ),
    "nothing but refused records": Scenario("in/lines.jsonl", b"a\nb\nc\n", region_bytes=3),
    "an endpoint that refuses": Scenario(
        "in/rows.csv", b"1\n2\n3\n", "invoke: {endpoint: demo}\n" + SMALL_CHUNKS, set_up=refusing
    ),
    "in real time": Scenario(
        "in/rows.csv",
        CSV,
        "invoke: {mode: realtime, endpoint: demo}\n" + HEADER + SMALL_CHUNKS + RETRIES,
        region_bytes=24,
        predict=moody,
        set_up=busy_at_first,
    ),
    "several models in one file": Scenario(
        "in/rows.csv",
        b"1,rome\n2,oslo\n3\n4,cold\n5,rome,bad\n6,retry\n",
        'invoke: {mode: realtime, endpoint: demo, target_model: "{model}"}\n'
        "input: {model_field: 1, send_model_field: true}\nchunk: {max_records: 4}\n" + RETRIES,
        predict=moody,
        set_up=cold_at_first,
    ),
    "an unbalanced quote in many regions": Scenario("in/rows.csv", b'1\n2,"3\n4\n', region_bytes=3),
    "an unbalanced quote in one region": Scenario("in/rows.csv", b'1\n2,"3\n4\n'),
    "a bad pipeline": Scenario("in/rows.csv", b"1\n2\n", set_up=with_bad_pipeline),
    "an empty file": Scenario("in/rows.csv", b""),
    "a header and nothing else": Scenario(
        "in/rows.csv", b"id,note\n", "invoke: {endpoint: demo}\n" + HEADER, region_bytes=3
    ),
    "requests that are staged": Scenario(
        "in/long.txt", b"x" * 130_000 + b"\nshort\n", "invoke: {endpoint: demo}\n", 140_000
    ),
    "outputs that are composed": Scenario(
        "in/few.txt",
        b"aa\nbb\nc\nd\n",
        region_bytes=6,
        predict=verbose,
        borders=("_upload", "_part"),
    ),
    "pieces that are merged": Scenario(
        "in/many.txt",
        b"".join(b"%d\n" % number for number in range(100, 360)),
        region_bytes=4,
        borders=("merged", "get_segment_results", "announcer", "in/many.txt"),
    ),
    "a redrive in many regions": redrive(
        ran("in/rows.csv", CSV, disliking(b"bad", b"retry", b"plain"), DEMO + JOINED + SINGLY),
        pipeline=DEMO + JOINED + SMALL_CHUNKS + RETRIES,
        region_bytes=150,
        predict=moody,
    ),
    "a redrive of long records": redrive(
        ran("in/long.txt", LONG, pipeline=DEMO + SINGLY),
        pipeline=DEMO + "chunk: {max_bytes: 20KiB}\n",
        region_bytes=10**6,
    ),
    "a redrive into a large output": redrive(
        FEW,
        pipeline=DEMO,
        predict=verbose,
        borders=("_upload", "_part", "newest", "replace"),
    ),
    "a redrive that is refused": Scenario(
        "in/few.txt.errors.jsonl", b'{"id": "f00d:0"}\n', region_bytes=10, set_up=FEW.restore
    ),
}
