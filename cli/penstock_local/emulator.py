"""Runs MiniStack, in its own environment, with some of its gaps against AWS closed.

Each would make the pipeline behave otherwise on a laptop than on AWS:

* GetObject with a range *and* a version answers with the whole object;
* S3's events to EventBridge lack the object's `version-id`;
* a MaximumConcurrency that comes from a template parameter stays text, and stops the polling;
* SendMessageBatch and its like are authorised as actions of their own, which IAM doesn't know;
* plain HTTP is what a laptop has, and bucket policies rightly deny it: here it counts as secure;
* AWS has no IAM actions for batches of messages: whoever may send one may send ten;
* a standard queue is served in the order of sending, so that a large group holds up all others.

And one is about speed: it unpacks the code and its layers once, not for every process of a Lambda.

On request it also writes down which permissions were used: see RecordedPermissions.

Each change leaves an answer alone that is already right, and a MiniStack whose internals have moved
stops here, with an AttributeError, rather than running without them.
"""

from __future__ import annotations

import contextvars
import hashlib
import importlib
import json
import os
import tempfile
import threading
import time
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html
ACTION_OF_BATCH = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sns:PublishBatch": "sns:Publish",
}

PERMISSIONS_FILE = "PENSTOCK_PERMISSIONS_FILE"
"""Variable of the environment: where to write down the permissions that are used, if anywhere."""

Reply = tuple[int, dict[str, str], bytes]

_unpacking = threading.Lock()
_version_id: contextvars.ContextVar[str | None] = contextvars.ContextVar("version_id", default=None)


def slice_reply(reply: Reply, wanted: tuple[int, int] | None) -> Reply:
    """The whole object's reply cut to `wanted`: first and last byte, or None if out of range."""
    _, headers, body = reply
    if wanted is None:
        return 416, {"Content-Range": f"bytes */{len(body)}"}, b""
    first, last = wanted
    # A checksum of the whole object can't be checked against a part of it.
    kept = {k: v for k, v in headers.items() if not k.lower().startswith("x-amz-checksum")}
    part = body[first : last + 1]
    sizes = {
        "Content-Length": str(len(part)),
        "Content-Range": f"bytes {first}-{last}/{len(body)}",
    }
    return 206, {**kept, **sizes}, part


def add_version(event: dict[str, Any], version_id: str | None) -> dict[str, Any]:
    if not version_id or event.get("Source") != "aws.s3":
        return event
    detail = json.loads(event["Detail"])
    detail["object"].setdefault("version-id", version_id)
    return {**event, "Detail": json.dumps(detail)}


def mend_ranges_of_versions(s3: Any) -> None:
    original, parse_range = s3._get_object, s3._parse_range  # noqa: SLF001 - the point of this file

    def get_object(
        bucket: str, key: str, headers: dict[str, str], query: dict[str, Any] | None = None
    ) -> Reply:
        reply: Reply = original(bucket, key, headers, query)
        asked = headers.get("range", "")
        if reply[0] != 200 or not asked or not (query or {}).get("versionId"):  # noqa: PLR2004
            return reply
        return slice_reply(reply, parse_range(asked, len(reply[2])))

    s3._get_object = get_object  # noqa: SLF001


def mend_versions_of_events(s3: Any, eventbridge: Any) -> None:
    fire, dispatch = s3._fire_s3_event, eventbridge._dispatch_event  # noqa: SLF001

    def fire_with_version(*args: Any, **kwargs: Any) -> None:
        _version_id.set(kwargs.get("version_id"))  # in the context of this event's own thread
        fire(*args, **kwargs)

    def dispatch_with_version(event: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        return dispatch(add_version(event, _version_id.get()), *args, **kwargs)

    s3._fire_s3_event = fire_with_version  # noqa: SLF001
    eventbridge._dispatch_event = dispatch_with_version  # noqa: SLF001


def mend_concurrency(lambdas: Any) -> None:
    concurrency = lambdas._sqs_esm_concurrency  # noqa: SLF001

    def numeric(esm: dict[str, Any], *args: Any) -> int:
        scaling = esm.get("ScalingConfig") or {}
        if "MaximumConcurrency" in scaling:
            scaling["MaximumConcurrency"] = int(scaling["MaximumConcurrency"])
        return int(concurrency(esm, *args))

    lambdas._sqs_esm_concurrency = numeric  # noqa: SLF001


def iam_action(action: str) -> str:
    """SQS's batch calls need the permission of the single call: IAM has no other for them."""
    return action.removesuffix("Batch") if action.startswith("sqs:") else action


def mend_batch_actions(evaluator: Any) -> None:
    matches = evaluator._action_matches  # noqa: SLF001
    evaluator._action_matches = lambda action, *lists: matches(iam_action(action), *lists)  # noqa: SLF001


def trust_loopback(evaluator: Any) -> None:
    pin = evaluator.pin_request_origin
    evaluator.pin_request_origin = lambda address, _secure: pin(address, True)  # noqa: FBT003


def allow_batches(actions: Any) -> None:
    extract = actions.extract_iam_action

    def extract_documented(*args: Any, **kwargs: Any) -> str | None:
        action: str | None = extract(*args, **kwargs)
        return ACTION_OF_BATCH.get(action, action) if action else None

    actions.extract_iam_action = extract_documented


def fair_order(messages: list[dict[str, Any]], now: float) -> list[dict[str, Any]]:
    """Those that are visible, with one of each group in turn; busy groups come last.

    Amazon SQS Developer Guide, "Amazon SQS fair queues": groups with few messages in flight have
    priority, and messages without a group are each a group of their own.
    """
    taken = Counter(
        message["group_id"]
        for message in messages
        if message["group_id"] and message["visible_at"] > now and message["receive_count"]
    )
    ranked = []
    for message in messages:
        if message["visible_at"] <= now:
            group = message["group_id"]
            ranked.append((taken[group] if group else 0, message))
            taken[group] += 1
    return [message for _, message in sorted(ranked, key=lambda each: each[0])]


def mend_fair_queues(sqs: Any) -> None:
    collect, complete = sqs._collect_msgs, sqs._ensure_msg_fields  # noqa: SLF001

    def collect_fairly(queue: dict[str, Any], *args: Any) -> list[dict[str, Any]]:
        if not queue["is_fifo"]:
            for message in queue["messages"]:
                complete(message)
            queue = {**queue, "messages": fair_order(queue["messages"], time.time())}
        found: list[dict[str, Any]] = collect(queue, *args)
        return found

    sqs._collect_msgs = collect_fairly  # noqa: SLF001


class RecordedPermissions:
    """A file with a line of JSON for whatever a role was allowed: role, action and resource.

    Each once, and at once: the file can be read while the emulator runs. Of users and of root there
    is nothing in it.
    """

    def __init__(self, file: Path) -> None:
        self._lines = file.open("w", buffering=1)
        self._known: set[tuple[str, str, str]] = set()
        self._writing = threading.Lock()

    def note(self, caller: str, action: str, resource: str) -> None:
        """`caller` is the ARN of a session: arn:aws:sts::<account>:assumed-role/<role>/<name>."""
        _, is_role, names = caller.partition(":assumed-role/")
        used = (names.split("/")[0], action, resource)
        with self._writing:
            if is_role and used not in self._known:
                self._known.add(used)
                found = dict(zip(("role", "action", "resource"), used, strict=True))
                self._lines.write(json.dumps(found) + "\n")

    def close(self) -> None:
        self._lines.close()


def record_permissions(
    evaluator: Any, sessions: dict[str, Any], found: RecordedPermissions
) -> None:
    enforce = evaluator.enforce

    def enforce_and_record(access_key: str, action: str, *args: Any, **kwargs: Any) -> Any:
        denied = enforce(access_key, action, *args, **kwargs)
        if denied is None:
            caller = sessions.get(access_key, {}).get("Arn", "")
            found.note(caller, action, kwargs.get("resource_arn", "*"))
        return denied

    evaluator.enforce = enforce_and_record


class SharedZipFile(zipfile.ZipFile):
    """Unpacks into one folder, and links all who ask to it. As on AWS, nobody writes there."""

    def extractall(self, path: Any = None, *_: Any) -> None:
        contents = repr([(item.filename, item.CRC) for item in self.infolist()])
        name = hashlib.sha256(contents.encode()).hexdigest()
        shared = Path(tempfile.gettempdir()) / "unpacked" / name
        with _unpacking:
            if not shared.is_dir():
                self._unpack(shared)
        link = Path(path)
        link.rmdir()  # MiniStack makes it, empty
        link.symlink_to(shared, target_is_directory=True)

    def _unpack(self, shared: Path) -> None:
        shared.parent.mkdir(exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=shared.parent))
        super().extractall(unfinished)
        unfinished.rename(shared)


def share_unpacked_code(runtime: Any) -> None:
    class Zip:
        ZipFile = SharedZipFile
        BadZipFile = zipfile.BadZipFile

    if runtime.zipfile is not zipfile:
        raise AttributeError("MiniStack unpacks Lambdas in another way")
    runtime.zipfile = Zip


def main() -> None:
    share_unpacked_code(importlib.import_module("ministack.core.lambda_runtime"))
    allow_batches(importlib.import_module("ministack.core.iam_actions"))
    evaluator = importlib.import_module("ministack.core.iam_evaluator")
    trust_loopback(evaluator)
    mend_batch_actions(evaluator)
    # Not for the Lambdas, which get what is left of the environment.
    if permissions_file := os.environ.pop(PERMISSIONS_FILE, None):
        sessions = importlib.import_module("ministack.services.sts")._sessions  # noqa: SLF001
        record_permissions(evaluator, sessions, RecordedPermissions(Path(permissions_file)))
    s3 = importlib.import_module("ministack.services.s3")
    mend_ranges_of_versions(s3)
    mend_versions_of_events(s3, importlib.import_module("ministack.services.eventbridge"))
    mend_fair_queues(importlib.import_module("ministack.services.sqs"))
    mend_concurrency(importlib.import_module("ministack.services.lambda_svc"))
    importlib.import_module("ministack.app").main()


if __name__ == "__main__":
    main()
