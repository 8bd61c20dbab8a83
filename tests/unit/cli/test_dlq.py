import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from penstock.domain.chunk import ChunkMessage
from penstock.domain.errors import PermanentError
from penstock.domain.identity import job_id_of
from penstock_cli import dead_letters
from penstock_cli.dead_letters import QUEUES, DeadLetterQueue
from penstock_cli.letters import FOREIGN, Subject, subject_of
from tests.unit.cli.world import START, World, client

JOB = "a" * 20
CHUNK = ChunkMessage(JOB, 12, 31, start=0, end=4, records=2, first_record=0, chunks=1, bits="01")
UPLOAD = {
    "detail-type": "Object Created",
    "detail": {
        "bucket": {"name": "inputs"},
        "object": {"key": "in/a.csv", "size": 3, "etag": "e", "version-id": "1"},
    },
}


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "StartMessageMoveTask")


class Sqs:
    """moto's SQS, which can't move messages; `tasks` are what SQS would say of a move."""

    def __init__(self, sqs: Any, tasks: list[dict[str, Any]] | None) -> None:
        self.sqs, self.tasks, self.refusal = sqs, tasks, refusal("InvalidAction")
        self.moves: list[dict[str, str]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sqs, name)

    def start_message_move_task(self, **request: str) -> None:
        if self.tasks is None:
            raise self.refusal
        self.moves.append(request)

    def list_message_move_tasks(self, **_: Any) -> dict[str, Any]:
        assert self.tasks
        return {"Results": [self.tasks.pop(0)]}


@pytest.fixture
def sqs(world) -> Sqs:
    """The five pairs of queues."""
    sqs = client("sqs")
    outputs = dict(world.connection.stack.outputs)
    for name in QUEUES:
        for kind in ("Queue", "DeadLetterQueue"):
            queue = f"{name.capitalize()}{kind}"
            outputs[f"{queue}Url"] = sqs.create_queue(QueueName=queue)["QueueUrl"]
    stack = replace(world.connection.stack, outputs=outputs)
    world.connection = replace(world.connection, stack=stack)
    world.clients["sqs"] = Sqs(sqs, None)
    return world.clients["sqs"]


def url(world: World, queue: str) -> str:
    return world.connection.stack.outputs[f"{queue}Url"]


def bury(world: World, queue: str, *documents: Any) -> None:
    for document in documents:
        body = document if isinstance(document, str) else json.dumps(document)
        world.clients["sqs"].send_message(
            QueueUrl=url(world, queue), MessageBody=body, MessageGroupId=JOB
        )


def bodies(world: World, queue: str) -> list[str]:
    answer = world.clients["sqs"].receive_message(
        QueueUrl=url(world, queue),
        MaxNumberOfMessages=10,
        VisibilityTimeout=0,
        MessageSystemAttributeNames=["All"],
    )
    return [message["Body"] for message in answer.get("Messages", [])]


def test_each_queue_is_shown_with_its_letters_visible_and_in_flight(world, sqs):
    bury(world, "InvokeDeadLetterQueue", CHUNK.to_json(), CHUNK.to_json())
    bury(world, "ResultDeadLetterQueue", {"inferenceId": "x"})
    sqs.receive_message(QueueUrl=url(world, "ResultDeadLetterQueue"), VisibilityTimeout=300)

    result = world.penstock("dlq")

    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines()]
    assert rows[0] == ["QUEUE", "VISIBLE", "IN", "FLIGHT", "OLDEST"]
    assert [row[:3] for row in rows[1:]] == [
        ["upload", "0", "0"],
        ["split", "0", "0"],
        ["invoke", "2", "0"],
        ["transform", "0", "0"],
        ["result", "0", "1"],
        ["assemble", "0", "0"],
    ]
    assert rows[3][3:] == ["0s", "ago"]
    assert "1 letter in flight: handle_dead_letter is at work" in result.stderr
    assert "the log of letters says why" in result.stderr


def test_without_letters_there_is_nothing_to_explain(world, sqs):
    result = world.penstock("dlq")

    assert (result.exit_code, result.stderr) == (0, "no dead letters\n")
    assert len(result.stdout.splitlines()) == 7


def test_the_letters_of_a_queue_are_told_without_their_contents(world, sqs):
    bury(world, "InvokeDeadLetterQueue", CHUNK.to_json(), "a secret record")

    result = world.penstock("dlq", "invoke")

    assert result.exit_code == 0
    header, *rows = result.stdout.splitlines()
    assert header.split() == ["JOB", "KIND", "PATH", "RECEIVES", "SENT", "SIZE"]
    assert sorted(row.split()[:4] for row in rows) == [
        ["-", "foreign", "-", "1"],
        [JOB, "chunk", "00012.0031.01", "1"],
    ]
    assert "secret" not in result.output


def test_looking_leaves_the_letters_where_they_are(world, sqs):
    bury(world, "InvokeDeadLetterQueue", *(CHUNK.to_json() for _ in range(25)))

    first = world.penstock("dlq", "invoke", "--limit", "3")
    second = json.loads(world.penstock("dlq", "invoke", "--limit", "100", "--json").stdout)

    assert len(first.stdout.splitlines()) == 4
    assert "22 more letters; see them with --limit" in first.stderr
    assert (second["visible"], second["in_flight"], len(second["letters"])) == (25, 0, 25)


def test_letters_as_json(world, sqs):
    bury(world, "SplitDeadLetterQueue", {"kind": "scan", "job_id": JOB, "region": 3})

    document = json.loads(world.penstock("dlq", "split", "--json").stdout)

    (letter,) = document.pop("letters")
    assert document.pop("oldest_at").endswith("Z")
    assert document == {"queue": "split", "visible": 1, "in_flight": 0}
    assert letter.pop("message_id")
    assert letter.pop("sent_at").endswith("Z")
    assert letter == {
        "kind": "scan",
        "job_id": JOB,
        "path": "region 3",
        "receives": 1,
        "size": 63,
    }


def test_all_queues_as_json(world, sqs):
    documents = json.loads(world.penstock("dlq", "--json").stdout)

    assert [document["queue"] for document in documents] == list(QUEUES)


@pytest.mark.parametrize(
    ("document", "subject"),
    [
        (CHUNK.to_json(), Subject("chunk", JOB, "00012.0031.01")),
        ({"kind": "emit", "job_id": JOB, "region": {"index": 7}}, Subject("emit", JOB, "region 7")),
        (
            {"kind": "segment", "job_id": JOB, "segment": 4, "chunks": 9},
            Subject("segment", JOB, "00004"),
        ),
        ({"kind": "finish", "job_id": JOB}, Subject("finish", JOB)),
        (UPLOAD, Subject("upload", job_id_of("inputs", "in/a.csv", "1"), "in/a.csv")),
        (
            {"inferenceId": f"{JOB}:00012.0031:2:5:9", "invocationStatus": "Failed"},
            Subject("result", JOB, "00012.0031"),
        ),
        (
            {"Type": "Notification", "Message": json.dumps({"kind": "finish", "job_id": JOB})},
            Subject("finish", JOB),
        ),
        ({"inferenceId": "1f9679f3"}, FOREIGN),
        ({"kind": "scan", "job_id": JOB, "region": "x"}, FOREIGN),
        ({"kind": "emit", "job_id": JOB, "region": {}}, FOREIGN),
        ({"first_record": 1}, FOREIGN),
        ({"kind": "finish", "job_id": ["a"]}, FOREIGN),
        ({**UPLOAD, "detail": {}}, FOREIGN),
        ([1], FOREIGN),
    ],
)
def test_what_a_letter_is_about(document, subject):
    assert subject_of(json.dumps(document)) == subject


def test_names_of_others_cannot_command_the_terminal(world, sqs):
    bury(world, "AssembleDeadLetterQueue", {"kind": "finish", "job_id": "\x1b[2J" + "x" * 500})

    result = world.penstock("dlq", "assemble")

    assert "\x1b" not in result.stdout
    assert "x" * 100 not in result.stdout


def test_letters_are_sent_back_with_the_job_they_count_to(world, sqs):
    bury(world, "InvokeDeadLetterQueue", *(CHUNK.to_json() for _ in range(12)))

    result = world.penstock("dlq", "invoke", "--redrive")

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "12 letters moved from the dead letters back to the invoke queue\n"
    assert bodies(world, "InvokeDeadLetterQueue") == []
    (message,) = sqs.receive_message(
        QueueUrl=url(world, "InvokeQueue"), MessageSystemAttributeNames=["All"]
    )["Messages"]
    assert json.loads(message["Body"]) == CHUNK.to_json()
    assert message["Attributes"]["MessageGroupId"] == JOB


def test_a_few_letters_are_sent_back_and_the_others_stay(world, sqs):
    bury(world, "InvokeDeadLetterQueue", *(CHUNK.to_json() for _ in range(5)))

    result = world.penstock("dlq", "invoke", "--redrive", "--limit", "2", "--json")

    document = json.loads(result.stdout)
    assert (document["moved"], document["visible"]) == (2, 3)


def test_sqs_moves_them_where_it_can(world, sqs):
    sqs.tasks = [
        {"Status": "RUNNING", "ApproximateNumberOfMessagesMoved": 3},
        {"Status": "COMPLETED", "ApproximateNumberOfMessagesMoved": 7},
    ]

    result = world.penstock("dlq", "result", "--redrive")

    assert result.stdout == "7 letters moved from the dead letters back to the result queue\n"
    (move,) = sqs.moves
    assert move["SourceArn"].endswith(":ResultDeadLetterQueue")
    assert move["DestinationArn"].endswith(":ResultQueue")
    assert world.time.seconds == START + 1


def test_a_move_that_sqs_gives_up_says_how_far_it_came(world, sqs):
    failed = {"Status": "FAILED", "FailureReason": "AccessDenied"}
    sqs.tasks = [failed | {"ApproximateNumberOfMessagesMoved": 4}]

    result = world.penstock("dlq", "result", "--redrive")

    assert result.exit_code == 1
    assert result.stderr == "Error: SQS stopped after 4 letters (FAILED): AccessDenied\n"


def test_a_move_that_is_denied_is_not_done_by_hand(world, sqs):
    sqs.refusal = refusal("AccessDenied")
    bury(world, "InvokeDeadLetterQueue", CHUNK.to_json())

    result = world.penstock("dlq", "invoke", "--redrive")

    assert result.exit_code == 1
    assert "AccessDenied" in result.stderr
    assert len(bodies(world, "InvokeDeadLetterQueue")) == 1


def test_a_letter_that_was_not_sent_is_not_deleted(world, sqs):
    bury(world, "InvokeDeadLetterQueue", CHUNK.to_json())
    stack = world.connection.stack
    outputs = dict(stack.outputs) | {"InvokeQueueUrl": f"{url(world, 'InvokeQueue')}Gone"}
    connection = replace(world.connection, stack=replace(stack, outputs=outputs))

    with pytest.raises(PermanentError, match="NonExistentQueue"):
        DeadLetterQueue.of(connection, "invoke").redrive(1, lambda _: None, lambda _: None)

    counts = sqs.get_queue_attributes(
        QueueUrl=url(world, "InvokeDeadLetterQueue"),
        AttributeNames=["ApproximateNumberOfMessagesNotVisible"],
    )
    assert counts["Attributes"] == {"ApproximateNumberOfMessagesNotVisible": "1"}
    assert dead_letters.HIDDEN <= 30


@pytest.mark.parametrize("words", [["--redrive"], ["--limit", "3"]])
def test_what_is_done_to_one_queue_needs_its_name(world, sqs, words):
    result = world.penstock("dlq", *words)

    assert result.exit_code == 2
    names = "upload, split, invoke, transform, result, assemble"
    assert f"need a QUEUE: one of {names}" in result.stderr


def test_a_stack_of_an_earlier_version_is_told(world):
    result = world.penstock("dlq")

    assert result.exit_code == 2
    assert "has no output UploadDeadLetterQueueUrl: deploy this version's template" in result.stderr
