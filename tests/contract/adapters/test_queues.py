"""Queues: the messages that SQS gets are those that the fake keeps."""

import json

import pytest

from penstock.adapters.sqs import SqsQueues, Visibility
from penstock.domain.chunk import ChunkMessage
from penstock.domain.errors import RetryableError
from penstock.testing import FakeQueues
from tests.moto_stack import MotoStack, client

JOB_ID = "0123456789abcdef0123"
QUEUES = {
    "split": "SplitQueue",
    "invoke": "InvokeQueue",
    "assemble": "AssembleQueue",
    "transform": "TransformQueue",
    "results": "ResultQueue",
}


def chunk(number: int) -> ChunkMessage:
    return ChunkMessage(JOB_ID, 0, number, number, number + 1, 1, number, 256)


@pytest.mark.parametrize("count", [0, 1, 10, 11, 95])
@pytest.mark.parametrize("queue", QUEUES)
def test_each_message_is_sent_once(
    stack: MotoStack, sqs_queues: SqsQueues, queue: str, count: int
) -> None:
    fake = FakeQueues()
    documents = [{"kind": "scan", "region": number} for number in range(count)]
    messages = [chunk(number) for number in range(count)] if queue == "invoke" else documents

    getattr(sqs_queues, queue)(JOB_ID, messages)
    getattr(fake, queue)(JOB_ID, messages)

    sent = [json.loads(message["Body"]) for message in stack.messages(QUEUES[queue])]
    kept = [message.document for message in fake.sent]
    assert sorted(sent, key=str) == sorted(kept, key=str)
    assert {message.queue for message in fake.sent} <= {queue}


def test_a_chunk_message_comes_back_as_it_was_sent(stack: MotoStack, sqs_queues: SqsQueues) -> None:
    message = ChunkMessage(JOB_ID, 1, 2, 3, 4, 5, 6, 7, "01", 8, 9, 10)

    sqs_queues.invoke(JOB_ID, [message])

    (received,) = stack.messages("InvokeQueue")
    assert ChunkMessage.from_json(json.loads(received["Body"])) == message


def test_the_messages_of_a_job_are_one_group_of_a_fair_queue(
    stack: MotoStack, sqs_queues: SqsQueues
) -> None:
    sqs_queues.assemble(JOB_ID, [{"kind": "finish", "job_id": JOB_ID}])

    (received,) = stack.messages("AssembleQueue")
    assert received["Attributes"]["MessageGroupId"] == JOB_ID


def test_each_chunk_that_waits_has_a_delay_of_its_own(
    stack: MotoStack, sqs_queues: SqsQueues
) -> None:
    waiting = [(chunk(number), 900 * (number % 2)) for number in range(12)]
    fake = FakeQueues()

    sqs_queues.invoke_later(JOB_ID, waiting)
    fake.invoke_later(JOB_ID, waiting)

    received = [json.loads(message["Body"])["chunk"] for message in stack.messages("InvokeQueue")]
    assert sorted(received) == [0, 2, 4, 6, 8, 10]
    assert [message.document["chunk"] for message in fake.sent if not message.delay] == received
    assert {message.delay for message in fake.sent} == {0, 900}


def test_a_delayed_message_is_not_there_yet(stack: MotoStack, sqs_queues: SqsQueues) -> None:
    sqs_queues.invoke(JOB_ID, [chunk(0)], delay=900)

    assert stack.messages("InvokeQueue") == []
    attributes = client("sqs").get_queue_attributes(
        QueueUrl=stack.queues["InvokeQueue"], AttributeNames=["ApproximateNumberOfMessagesDelayed"]
    )["Attributes"]
    assert attributes["ApproximateNumberOfMessagesDelayed"] == "1"


def test_a_message_that_sqs_could_not_take_is_an_error_to_retry() -> None:
    class Refusing:
        def send_message_batch(self, **_request):
            return {"Successful": [], "Failed": [{"Id": "0", "Code": "InternalError"}]}

    with pytest.raises(RetryableError) as caught:
        SqsQueues(Refusing(), "url").split(JOB_ID, [{}])

    assert caught.value.code == "InternalError"


def test_a_queue_that_does_not_exist_is_an_error(stack: MotoStack) -> None:
    queues = SqsQueues(client("sqs"), split_url=stack.queues["SplitQueue"] + "x")

    with pytest.raises(Exception, match="does not exist"):
        queues.split(JOB_ID, [{}])


@pytest.mark.parametrize(
    ("receives", "seconds"), [(1, 2), (2, 4), (5, 32), (8, 256), (9, 300), (1000, 300)]
)
def test_a_failed_message_stays_away_longer_each_time(receives: int, seconds: int) -> None:
    changed = []

    class Watching:
        def change_message_visibility(self, **request):
            changed.append(request)

    Visibility(Watching(), "url").back_off("handle", receives)

    expected = {"QueueUrl": "url", "ReceiptHandle": "handle", "VisibilityTimeout": seconds}
    assert changed == [expected]


def test_chunks_that_wait_are_counted_with_those_that_are_delayed(
    sqs_queues: SqsQueues,
) -> None:
    fake = FakeQueues()
    for queues in (sqs_queues, fake):
        assert queues.chunks_waiting() == 0
        queues.invoke(JOB_ID, [chunk(0), chunk(1)])
        queues.invoke(JOB_ID, [chunk(2)], delay=900)
        queues.assemble(JOB_ID, [{"kind": "finish", "job_id": JOB_ID}])

    assert sqs_queues.chunks_waiting() == fake.chunks_waiting() == 3


def test_a_look_at_a_group_may_wait(stack: MotoStack, sqs_queues: SqsQueues) -> None:
    sqs_queues.transform(JOB_ID, [{"kind": "gather"}], 60)

    assert stack.messages("TransformQueue") == []
    assert waiting_in(stack, "TransformQueue") == 1


def waiting_in(stack: MotoStack, queue: str) -> int:
    found = client("sqs").get_queue_attributes(
        QueueUrl=stack.queues[queue], AttributeNames=["ApproximateNumberOfMessagesDelayed"]
    )
    return int(found["Attributes"]["ApproximateNumberOfMessagesDelayed"])
