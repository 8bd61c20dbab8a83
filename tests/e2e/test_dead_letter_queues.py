"""Letters that nobody has taken out of their queue: shown, and sent back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from examples.echo.echo_reference import expected_lines
from examples.local_endpoint import client
from penstock.domain.chunk import ChunkMessage
from tests.e2e.harness import Stack, eventually
from tests.e2e.test_command_line import penstock
from tests.e2e.test_lost_and_dead import bury, stuck


@contextmanager
def letters_are_left_alone(echo: Stack) -> Iterator[None]:
    """handle_dead_letter does not take letters out of InvokeDeadLetterQueue."""
    functions = client(echo.document, "lambda")
    name = echo.document["handle_dead_letter_function"]
    mappings = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    (uuid,) = [each["UUID"] for each in mappings if "Invoke" in each["EventSourceArn"]]
    functions.update_event_source_mapping(UUID=uuid, Enabled=False)
    try:
        yield
    finally:
        functions.update_event_source_mapping(UUID=uuid, Enabled=True)


def test_letters_are_shown_and_sent_back_to_their_queue(echo: Stack) -> None:
    echo.configure("letters", "invoke: {endpoint: echo}\n")
    key = "letters/chunk.txt"
    with letters_are_left_alone(echo), echo.faults({"fault": "throttle"}):
        job_id = stuck(echo, key)
        message = ChunkMessage(job_id, 0, 0, start=0, end=4, records=2, first_record=0, chunks=1)
        bury(echo, "invoke_queue_url", message.to_json())
        queues = eventually(shown_among_the_queues)
        shown = penstock("dlq", "invoke")
        sent_back = penstock("dlq", "invoke", "--redrive", "--json")
    delivered = echo.wait(key, job_id)

    assert queues["visible"] == 1
    assert f"{job_id}  chunk  00000.0000" in shown.stdout
    assert json.loads(sent_back.stdout)["moved"] == 1
    assert delivered.lines == expected_lines([b"1", b"2"])


def shown_among_the_queues() -> dict[str, int] | None:
    documents = json.loads(penstock("dlq", "--json").stdout)
    (invoke,) = [each for each in documents if each["queue"] == "invoke"]
    return invoke if invoke["visible"] else None
