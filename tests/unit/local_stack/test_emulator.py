import json
import tempfile
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from penstock_local import emulator

WHOLE = (200, {"ETag": '"e"', "x-amz-checksum-crc32": "c", "Content-Length": "5"}, b"hello")


def s3_answering(reply: emulator.Reply) -> Any:
    s3 = SimpleNamespace(
        _get_object=lambda *_: reply,
        _parse_range=lambda _asked, size: (1, 3) if size > 3 else None,
    )
    emulator.mend_ranges_of_versions(s3)
    return s3


def test_a_range_of_a_version_is_cut_from_the_whole_object():
    s3 = s3_answering(WHOLE)

    status, headers, body = s3._get_object("b", "k", {"range": "bytes=1-3"}, {"versionId": ["v"]})

    assert (status, body) == (206, b"ell")
    assert headers["Content-Range"] == "bytes 1-3/5"
    assert headers["Content-Length"] == "3"
    assert headers["ETag"] == '"e"'
    assert "x-amz-checksum-crc32" not in headers


def test_a_range_beyond_the_end_of_a_version_is_refused():
    s3 = s3_answering((200, {}, b"hi"))

    status, headers, _ = s3._get_object("b", "k", {"range": "bytes=1-3"}, {"versionId": ["v"]})

    assert (status, headers["Content-Range"]) == (416, "bytes */2")


def test_answers_that_are_right_already_stay_as_they_are():
    partial: emulator.Reply = (206, {}, b"ell")

    asked = {"range": "bytes=1-3"}
    assert s3_answering(partial)._get_object("b", "k", asked, {"versionId": ["v"]}) == partial
    assert s3_answering(WHOLE)._get_object("b", "k", {}, {"versionId": ["v"]}) == WHOLE
    assert s3_answering(WHOLE)._get_object("b", "k", asked) == WHOLE


def test_an_s3_event_tells_the_version_of_its_object():
    sent: list[dict[str, Any]] = []
    eventbridge = SimpleNamespace(_dispatch_event=sent.append)

    def fire(_bucket, version_id=None):
        detail = json.dumps({"object": {"key": "k"}})
        eventbridge._dispatch_event({"Source": "aws.s3", "Detail": detail})

    s3 = SimpleNamespace(_fire_s3_event=fire)
    emulator.mend_versions_of_events(s3, eventbridge)

    s3._fire_s3_event("bucket", version_id="v1")

    assert json.loads(sent[0]["Detail"]) == {"object": {"key": "k", "version-id": "v1"}}


def test_events_of_others_and_of_unversioned_buckets_stay_as_they_are():
    ours = {"Source": "penstock", "Detail": "{}"}
    unversioned = {"Source": "aws.s3", "Detail": '{"object": {}}'}

    assert emulator.add_version(ours, "v1") == ours
    assert emulator.add_version(unversioned, None) == unversioned


def test_the_loopback_counts_as_secure_transport():
    pinned = []
    evaluator = SimpleNamespace(pin_request_origin=lambda *origin: pinned.append(origin))
    emulator.trust_loopback(evaluator)

    evaluator.pin_request_origin("127.0.0.1", False)

    assert pinned == [("127.0.0.1", True)]


def test_sending_a_batch_needs_what_sending_one_message_needs():
    named = iter(["sqs:SendMessageBatch", "s3:GetObject", None])
    actions = SimpleNamespace(extract_iam_action=lambda *_: next(named))
    emulator.allow_batches(actions)

    extracted = [actions.extract_iam_action("sqs") for _ in range(3)]

    assert extracted == ["sqs:SendMessage", "s3:GetObject", None]


def message(group: str | None, *, visible_at: float = 0.0, receives: int = 0) -> dict[str, Any]:
    return {"group_id": group, "visible_at": visible_at, "receive_count": receives}


def groups(messages: list[dict[str, Any]]) -> str:
    return "".join(each["group_id"] or "-" for each in messages)


def test_groups_of_a_standard_queue_take_turns():
    waiting = [message(group) for group in "aaaabbc"]

    assert groups(emulator.fair_order(waiting, now=1.0)) == "abcabaa"


def test_a_group_with_many_messages_in_flight_comes_last():
    in_flight = [message("a", visible_at=9.0, receives=1) for _ in range(3)]
    delayed = [message("b", visible_at=9.0) for _ in range(5)]
    waiting = [message(group) for group in "aabb"]

    assert groups(emulator.fair_order([*in_flight, *delayed, *waiting], now=1.0)) == "bbaa"


def test_messages_without_a_group_come_in_the_order_of_sending():
    waiting = [message(None), message("a"), message(None), message("a")]

    ordered = emulator.fair_order(waiting, now=1.0)

    assert groups(ordered) == "-a-a"
    assert ordered[0] is waiting[0]


def test_fifo_queues_stay_as_they_are():
    asked: list[Any] = []

    def collect(queue: Any, most: int) -> list[Any]:
        asked.append(queue)
        return queue["messages"][:most]

    sqs = SimpleNamespace(_collect_msgs=collect, _ensure_msg_fields=lambda _message: None)
    emulator.mend_fair_queues(sqs)
    waiting = [message(group) for group in "aab"]
    fifo = {"is_fifo": True, "messages": waiting}

    assert groups(sqs._collect_msgs({"is_fifo": False, "messages": waiting}, 2)) == "ab"
    assert groups(sqs._collect_msgs(fifo, 2)) == "aa"
    assert asked[1] is fifo


ROLE_SESSION = {"Arn": "arn:aws:sts::000000000000:assumed-role/stack-Role-1/stack-Function-1"}


def permissions_recorded(file: Path, *calls: tuple[str, str], denied: object = None) -> list[Any]:
    """What stands in the record after calls with (access key, resource)."""
    evaluator = SimpleNamespace(enforce=lambda *_, **__: denied)
    record = emulator.RecordedPermissions(file)
    emulator.record_permissions(evaluator, {"ASIA1": ROLE_SESSION}, record)
    for key, arn in calls:
        answer = evaluator.enforce(key, "s3:GetObject", "s3", "us-east-1", resource_arn=arn)
        assert answer is denied
    record.close()
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_what_a_role_was_allowed_is_recorded_once(tmp_path):
    calls = [("ASIA1", "arn:a"), ("ASIA1", "arn:b"), ("ASIA1", "arn:a")]

    used = permissions_recorded(tmp_path / "used", *calls)

    assert used == [
        {"role": "stack-Role-1", "action": "s3:GetObject", "resource": arn}
        for arn in ("arn:a", "arn:b")
    ]


def test_what_was_denied_and_what_root_does_is_not_recorded(tmp_path):
    assert permissions_recorded(tmp_path / "1", ("ASIA1", "arn:a"), denied=object()) == []
    assert permissions_recorded(tmp_path / "2", ("test", "arn:a")) == []


def unpack(archive: Path, target: Path) -> None:
    target.mkdir()  # as MiniStack does
    with emulator.SharedZipFile(archive) as zipped:
        zipped.extractall(target)


def zipped(path: Path, contents: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("python/module.py", contents)
    return path


def test_all_processes_of_a_lambda_read_the_same_unpacked_files(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    unpack(zipped(tmp_path / "1.zip", "a = 1"), tmp_path / "worker1")
    unpack(zipped(tmp_path / "2.zip", "a = 1"), tmp_path / "worker2")

    assert (tmp_path / "worker1").resolve() == (tmp_path / "worker2").resolve()
    assert (tmp_path / "worker1" / "python" / "module.py").read_text() == "a = 1"


def test_new_code_is_unpacked_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    unpack(zipped(tmp_path / "1.zip", "a = 1"), tmp_path / "worker1")
    unpack(zipped(tmp_path / "2.zip", "a = 2"), tmp_path / "worker2")

    assert (tmp_path / "worker2" / "python" / "module.py").read_text() == "a = 2"


def test_a_ministack_that_unpacks_otherwise_is_refused():
    with pytest.raises(AttributeError):
        emulator.share_unpacked_code(SimpleNamespace(zipfile=None))
