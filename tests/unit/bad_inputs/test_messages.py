"""Queue messages that nobody should have sent. No user is behind them: operators read the log.

Each comes in one batch with good messages, which are done. It comes back, ten times at most, and
ends as a dead letter: an alarm fires, and a log line says what it was. Notifications of other
inferences than ours are no errors: they are dropped with a line.
"""

import json
from copy import deepcopy
from typing import Any

import pytest

from penstock.domain.chunk import ChunkMessage
from penstock.domain.job import JobStatus
from penstock.use_cases import messages
from tests.unit.bad_inputs.consumer import KEY, Consumer
from tests.unit.use_cases.world import World

JOB = "JOB"
"""Stands for the id of the job that is under way."""

ABSENT = object()
UPLOADED = World.event("input", "in/bad.txt", 4, "etag", "version")


def event(path: str = "", value: Any = ABSENT) -> str:
    """An object's event, but for what lies under one path."""
    return json.dumps(changed(UPLOADED, path, value))


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    whole = deepcopy(document)
    *names, last = path.split(".")
    part = whole
    for name in names:
        part = part[name]
    if value is ABSENT:
        part.pop(last, None)
    else:
        part[last] = value
    return whole


S3_NOTIFICATION = {
    "Records": [{"eventName": "ObjectCreated:Put", "s3": {"object": {"key": "a+b"}}}]
}
S3_TEST_EVENT = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "input"}
UPLOADS = {
    "an empty body": ("", "the message is not JSON"),
    "a body that is not JSON": ("an object was dropped", "the message is not JSON"),
    "a list": ("[1]", "the message is list, not a JSON object"),
    "null": ("null", "the message is NoneType, not a JSON object"),
    "a body nested too deeply to be read": ("[" * 100_000, "the message is nested too deeply"),
    "a number too long to be read": ("9" * 5000, "the message is not JSON"),
    "a notification of S3's own, of a bucket that was wired by hand": (
        json.dumps(S3_NOTIFICATION),
        "no event `Object Created` of EventBridge: `detail-type` is None",
    ),
    "S3's test event": (json.dumps(S3_TEST_EVENT), "`detail-type` is None"),
    "the event of an object that was deleted": (
        event("detail-type", "Object Deleted"),
        "`detail-type` is 'Object Deleted'",
    ),
    "an event whose type is a list": (event("detail-type", []), "`detail-type` is [], not text"),
    "an event without detail": (event("detail"), "`detail.bucket.name` is missing"),
    "an event whose detail is a text": (
        event("detail", "none"),
        "`detail.bucket.name` is missing: there is 'none' instead of an object",
    ),
    "an event without a bucket": (event("detail.bucket"), "`detail.bucket.name` is missing"),
    "an event whose bucket is a number": (
        event("detail.bucket.name", 7),
        "`detail.bucket.name` is 7, not text",
    ),
    "an event without a key": (event("detail.object.key"), "`detail.object.key` is missing"),
    "an event with an empty key": (event("detail.object.key", ""), "there is no object ''"),
    "an event whose key is a list": (
        event("detail.object.key", ["a"]),
        "`detail.object.key` is ['a'], not text",
    ),
    "an event whose key is no Unicode": (
        event("detail.object.key", "\ud800.csv"),
        "the key '\\\\ud800.csv' is not UTF-8",
    ),
    "an event without a size": (event("detail.object.size"), "`detail.object.size` is missing"),
    "an event whose size is a text": (
        event("detail.object.size", "4"),
        "`detail.object.size` is '4', not a whole number",
    ),
    "an event whose size is true": (
        event("detail.object.size", value=True),
        "`detail.object.size` is True, not a whole number",
    ),
    "an event whose size is negative": (event("detail.object.size", -1), "of -1 bytes"),
    "an event without an ETag": (event("detail.object.etag"), "`detail.object.etag` is missing"),
    "an event whose version is a number": (
        event("detail.object.version-id", 3),
        "`detail.object.version-id` is 3, not text",
    ),
}

SCAN = messages.scan(JOB, 0)
SPLITS = {
    "a text": ("scan", "the message is not JSON"),
    "a message of no kind": (json.dumps(changed(SCAN, "kind", ABSENT)), "`kind` is missing"),
    "a message of another queue": (
        json.dumps(messages.finish(JOB)),
        "`kind` is 'finish', not scan or emit",
    ),
    "a message whose kind is a list": (json.dumps(changed(SCAN, "kind", [])), "`kind` is []"),
    "a scan of no job": (json.dumps(changed(SCAN, "job_id", ABSENT)), "`job_id` is missing"),
    "a scan of no region": (json.dumps(changed(SCAN, "region", ABSENT)), "`region` is missing"),
    "a scan of a region by name": (json.dumps(changed(SCAN, "region", "0")), "`region` is '0'"),
    "a scan of a region beyond the last": (
        json.dumps(messages.scan(JOB, 9)),
        "`region` is 9, and the job has 1",
    ),
    "a scan of a region before the first": (
        json.dumps(messages.scan(JOB, -1)),
        "`region` is -1, and the job has 1",
    ),
    "a message that has the chunks of nothing sent": (
        json.dumps({"kind": "emit", "job_id": JOB, "region": {}}),
        "`region` is no region",
    ),
}

CHUNK = ChunkMessage(JOB, 0, 0, start=0, end=4, records=1, first_record=0, chunks=1).to_json()
INVOCATIONS = {
    "a chunk without its place": (
        json.dumps({"job_id": JOB, "first_record": 0}),
        "the message is no chunk: ChunkMessage.__init__() missing 6 required",
    ),
    "a chunk with a field that there is not": (
        json.dumps(CHUNK | {"colour": "red"}),
        "unexpected keyword argument 'colour'",
    ),
    "a chunk whose bytes are texts": (
        json.dumps(CHUNK | {"start": "0", "end": "4"}),
        "the message is no chunk: `start`, `end` of a wrong type",
    ),
}

SEGMENT = messages.assemble(JOB, 0, 1)
ASSEMBLIES = {
    "a message of a kind that there is not": (
        json.dumps(SEGMENT | {"kind": "celebrate"}),
        "`kind` is 'celebrate', not segment or finish",
    ),
    "a segment without a number": (
        json.dumps(changed(SEGMENT, "segment", ABSENT)),
        "`segment` is missing",
    ),
    "a segment of so many chunks": (
        json.dumps(SEGMENT | {"chunks": "many"}),
        "`chunks` is 'many', not a whole number",
    ),
    "the end of no job": (json.dumps({"kind": "finish"}), "`job_id` is missing"),
}

NOTIFICATION = {
    "inferenceId": f"{JOB}:00000.0000:1:2:1",
    "invocationStatus": "Completed",
    "responseParameters": {"outputLocation": "s3://work/async/output/000000.out"},
}


def envelope(message: Any) -> str:
    return json.dumps({"Type": "Notification", "TopicArn": "arn:topic", "Message": message})


RESULTS = {
    "a notification that is not JSON": ("done!", "the message is not JSON"),
    "an envelope without a message": ('{"Type": "Notification"}', "`Message` is missing"),
    "an envelope around nothing": (envelope(None), "`Message` is missing"),
    "an envelope around an object": (envelope({"a": 1}), "`Message` is {'a': 1}, not text"),
    "an envelope around a text": (envelope("done!"), "the message is not JSON"),
    "an envelope around a list": (envelope("[]"), "the message is list"),
    "an envelope around a deeply nested list": (envelope("[" * 100_000), "nested too deeply"),
    "a status that is a number": (
        json.dumps(NOTIFICATION | {"invocationStatus": 200}),
        "`invocationStatus` is 200, not text",
    ),
    "response parameters that are a list": (
        json.dumps(NOTIFICATION | {"responseParameters": ["s3://work/async/output/a"]}),
        "`responseParameters` is [",
    ),
    "an output location that is a number": (
        json.dumps(changed(NOTIFICATION, "responseParameters.outputLocation", 7)),
        "`outputLocation` is 7, not text",
    ),
    "a content type that is a list": (
        json.dumps(changed(NOTIFICATION, "responseParameters.contentType", ["text/csv"])),
        "`contentType` is ['text/csv'], not text",
    ),
    "a failure whose reason is an object": (
        json.dumps({**NOTIFICATION, "invocationStatus": "Failed", "failureReason": {"code": 1}}),
        "`failureReason` is {'code': 1}, not text",
    ),
}


def of_id(inference_id: Any) -> str:
    return json.dumps(NOTIFICATION | {"inferenceId": inference_id})


FOREIGN = {
    "the notification of somebody else's inference": (
        of_id("1f9679f3-0000-4000-8000-000000000000"),
        "not an inference id of Penstock: '1f9679f3-",
    ),
    "a notification without an inference id": (of_id(None), "not an inference id of Penstock"),
    "an inference id that is a number": (of_id(7), "not an inference id of Penstock: '7'"),
    "an inference id of five thousand digits": (
        of_id(f"{'0' * 20}:00000.0000:{'9' * 5000}:1:1"),
        "not an inference id of Penstock",
    ),
    "an inference id with a line break at its end": (
        of_id(f"{'0' * 20}:00000.0000:1:1:1\n"),
        "not an inference id of Penstock",
    ),
}

GATHER = messages.gather(JOB, 0)
TRANSFORMS = {
    "a look without a group": (json.dumps(changed(GATHER, "group", ABSENT)), "`group` is missing"),
    "a look at a group of letters": (json.dumps(GATHER | {"group": "a"}), "`group` is 'a'"),
    "a look at a group that is true": (json.dumps(GATHER | {"group": True}), "`group` is True"),
    "a look of no job": (json.dumps(changed(GATHER, "job_id", ABSENT)), "`job_id` is missing"),
    "a message of another queue": (json.dumps(messages.finish(JOB)), "`kind` is 'finish'"),
}

ENDED = {
    "detail-type": "SageMaker Transform Job State Change",
    "detail": {"TransformJobName": "nightly-scores", "TransformJobStatus": "Completed"},
}
RESULTS |= {
    "the end of a transform job without a name": (
        json.dumps(changed(ENDED, "detail.TransformJobName", ABSENT)),
        "`TransformJobName` is missing",
    ),
    "the end of a transform job in a status that there is not": (
        json.dumps(changed(ENDED, "detail.TransformJobStatus", "Exploded")),
        "`detail.TransformJobStatus` is 'Exploded'",
    ),
    "an end without a detail": (json.dumps(changed(ENDED, "detail", ABSENT)), "`detail` is miss"),
    "trouble of a kind that there is not": (
        json.dumps(NOTIFICATION | {"trouble": {"kind": "bad", "code": "X", "message": "y"}}),
        "`trouble.kind` is 'bad'",
    ),
    "trouble without words": (
        json.dumps(NOTIFICATION | {"trouble": {"kind": "permanent", "code": "X"}}),
        "`message` is missing",
    ),
}
FOREIGN["the end of somebody else's transform job"] = (
    json.dumps(ENDED),
    "not a transform job of Penstock: 'nightly-scores'",
)

CASES = [
    pytest.param(queue, *case, id=f"{queue}: {name}")
    for queue, table in (
        ("upload", UPLOADS),
        ("split", SPLITS),
        ("invoke", INVOCATIONS),
        ("transform", TRANSFORMS),
        ("assemble", ASSEMBLIES),
        ("results", RESULTS),
    )
    for name, case in table.items()
]


@pytest.mark.parametrize(("queue", "body", "says"), CASES)
def test_a_bad_message_fails_alone_and_ends_as_a_dead_letter_that_is_logged(
    queue: str, body: str, says: str
) -> None:
    consumer = Consumer(queue)
    body = body.replace(JOB, consumer.job_id)

    failed = consumer.receive(body)

    assert failed == ["1"]
    assert "message failed" in consumer.logged and says in consumer.logged
    assert "BadMessage" in consumer.logged
    world = consumer.world.run()
    assert world.manifest(KEY)["status"] == "SUCCEEDED"
    jobs, before = dict(world.table.jobs), len(world.journal.lines)
    consumer.bury(body)
    told = [event for event, _ in world.journal.lines[before:]]
    assert told in (["DeadLetter"], ["DeadLetterForeign"])
    assert world.table.jobs == jobs


@pytest.mark.parametrize(("body", "says"), FOREIGN.values(), ids=FOREIGN)
def test_what_is_not_our_inference_is_dropped_with_a_line(body: str, says: str) -> None:
    consumer = Consumer("results")

    failed = consumer.receive(body.replace(JOB, consumer.job_id))

    assert failed == []
    assert f"dropped: {says}" in consumer.logged
    assert consumer.world.run().job(consumer.job_id).status is JobStatus.SUCCEEDED


def test_an_encoded_key_is_taken_as_it_is_and_the_job_says_that_there_is_no_such_object() -> None:
    """EventBridge doesn't encode keys; who forwards S3's own notifications to the queue does."""
    world = World()
    stored = world.objects.put("input", "in/a b.csv", b"1\n", "")

    world.send("upload", World.event("input", "in/a+b.csv", 2, stored.etag, stored.version_id))
    world.run()

    failure = world.manifest("in/a+b.csv")["failure"]
    assert failure["code"] == "ObjectNotFound"
    assert "s3://input/in/a+b.csv does not exist" in failure["message"]


def test_of_an_upload_in_an_envelope_its_dead_letter_tells_the_user() -> None:
    consumer = Consumer("upload")
    body = envelope(json.dumps(UPLOADED))

    failed = consumer.receive(body)
    consumer.bury(body)

    assert failed == ["1"] and "`detail-type` is None" in consumer.logged
    failure = consumer.world.manifest("in/bad.txt")["failure"]
    assert failure["code"] == "DeadLetter"
    assert "the log of accept_upload says why" in failure["message"]
