"""SageMaker's notifications in the messages of ResultQueue."""

import json

import pytest

from penstock.domain.envelopes import unwrapped
from penstock.domain.errors import PermanentError

DOCUMENT = {"invocationStatus": "Completed", "inferenceId": "x"}


def test_a_notification_is_read_raw() -> None:
    assert unwrapped(json.dumps(DOCUMENT)) == DOCUMENT


def test_a_notification_is_taken_out_of_the_envelope_of_sns() -> None:
    envelope = {"Type": "Notification", "TopicArn": "arn", "Message": json.dumps(DOCUMENT)}

    assert unwrapped(json.dumps(envelope)) == DOCUMENT


@pytest.mark.parametrize(
    "body",
    [
        "",
        "nonsense",
        "[1]",
        "3",
        '{"Type": "Notification"}',
        '{"Type": "Notification", "Message": null}',
        '{"Type": "Notification", "Message": "nonsense"}',
        '{"Type": "Notification", "Message": "[]"}',
    ],
)
def test_what_is_no_notification_is_refused(body: str) -> None:
    with pytest.raises(PermanentError) as caught:
        unwrapped(body)

    assert caught.value.code == "BadMessage"
