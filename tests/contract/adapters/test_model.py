"""Model: SageMaker's errors, as they come over the wire, in our three kinds."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import boto3
import pytest
from botocore.config import Config

from penstock.adapters.sagemaker import SageMakerModel, runtime_client
from penstock.domain.invoke import Target
from penstock.domain.trouble import InvocationError, Kind, Trouble
from penstock.ports import AsyncRequest, AsyncTicket, SyncAnswer, SyncRequest

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

REQUEST = AsyncRequest(
    endpoint="churn",
    inference_id="0123456789abcdef0123:00000.0000:1:2:1",
    content_type="text/csv",
    accept="application/json",
    timeout=900,
    queue_timeout=21600,
    body=b"1\n2\n",
)
TICKET = AsyncTicket("s3://work/async/output/1.out", "s3://work/async/failure/1.out")
LOCATIONS = {
    "X-Amzn-SageMaker-OutputLocation": TICKET.output_location,
    "X-Amzn-SageMaker-FailureLocation": TICKET.failure_location or "",
}


@dataclass
class Service:
    """Answers every call the same; None for silence."""

    status: int = 202
    body: bytes = b'{"InferenceId": "x"}'
    headers: dict[str, str] = field(default_factory=lambda: dict(LOCATIONS))
    silent: bool = False
    calls: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def fails(self, status: int, code: str, document: dict | None = None) -> None:
        self.status, self.body = status, json.dumps(document or {"Message": "m"}).encode()
        self.headers = {"x-amzn-ErrorType": code}

    def model(self, **options) -> SageMakerModel:
        config = Config(retries={"total_max_attempts": 1}, **options)
        client = boto3.client("sagemaker-runtime", endpoint_url=self.url, config=config)
        return SageMakerModel(lambda _timeout: client)


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            service.calls.append((self.path, dict(self.headers), body))
            if service.silent:
                service.released.wait(10)
                return
            self.send_response(service.status)
            for name, value in service.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(service.body)))
            self.end_headers()
            self.wfile.write(service.body)

        def log_message(self, *_args) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield service
    service.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


def trouble(model: SageMakerModel) -> Trouble:
    with pytest.raises(InvocationError) as caught:
        model.invoke_async(REQUEST)
    return caught.value.trouble


def test_an_inline_request_goes_out_whole(service: Service) -> None:
    ticket = service.model().invoke_async(REQUEST)

    assert ticket == TICKET
    ((path, headers, body),) = service.calls
    assert path == "/endpoints/churn/async-invocations"
    assert body == b"1\n2\n"
    sent = {name.lower(): value for name, value in headers.items()}
    prefix = "x-amzn-sagemaker-"
    assert sent[prefix + "content-type"] == "text/csv"
    assert sent[prefix + "accept"] == "application/json"
    assert sent[prefix + "inference-id"] == REQUEST.inference_id
    assert sent[prefix + "invocationtimeoutseconds"] == "900"
    assert sent[prefix + "requestttlseconds"] == "21600"
    assert prefix + "inputlocation" not in sent
    assert prefix + "custom-attributes" not in sent


def test_a_staged_request_names_its_input(service: Service) -> None:
    staged = AsyncRequest(
        **{name: getattr(REQUEST, name) for name in ("endpoint", "inference_id", "content_type")},
        accept="text/csv",
        timeout=1,
        queue_timeout=60,
        custom_attributes="tier=gold",
        input_location="s3://work/async/input/1",
    )

    service.model().invoke_async(staged)

    ((_, headers, body),) = service.calls
    sent = {name.lower(): value for name, value in headers.items()}
    assert sent["x-amzn-sagemaker-inputlocation"] == "s3://work/async/input/1"
    assert sent["x-amzn-sagemaker-custom-attributes"] == "tier=gold"
    assert body == b""


def test_an_endpoint_without_a_failure_path_tells_no_failure_location(service: Service) -> None:
    del service.headers["X-Amzn-SageMaker-FailureLocation"]

    assert service.model().invoke_async(REQUEST) == AsyncTicket(TICKET.output_location, None)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "ThrottlingException", Kind.UNAVAILABLE),
        (429, "ThrottlingException", Kind.UNAVAILABLE),
        (503, "ServiceUnavailable", Kind.UNAVAILABLE),
        (500, "InternalFailure", Kind.RETRYABLE),
        (530, "InternalDependencyException", Kind.RETRYABLE),
        (400, "ValidationError", Kind.PERMANENT),
        (403, "AccessDeniedException", Kind.PERMANENT),
    ],
)
def test_an_error_is_classed_by_its_code_after_one_call(
    service: Service, status: int, code: str, kind: Kind
) -> None:
    service.fails(status, code)

    assert trouble(service.model()) == Trouble(kind, code, "m")
    assert len(service.calls) == 1


def test_a_throttle_without_a_message_is_a_throttle(service: Service) -> None:
    service.fails(400, "ThrottlingException", {"message": None})

    found = trouble(service.model())

    assert (found.kind, found.code) == (Kind.UNAVAILABLE, "ThrottlingException")
    assert "ThrottlingException" in found.message


def test_an_answer_that_is_no_json_is_an_error_of_the_service(service: Service) -> None:
    service.status, service.body, service.headers = 502, b"<html>Bad Gateway</html>", {}

    assert trouble(service.model()).kind is Kind.RETRYABLE


def test_a_call_without_an_answer_is_made_once(service: Service) -> None:
    service.silent = True

    found = trouble(service.model(read_timeout=0.2))

    assert (found.kind, found.code) == (Kind.RETRYABLE, "ModelTimeout")
    assert len(service.calls) == 1


def test_an_endpoint_that_cannot_be_reached_is_an_error_to_retry() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        unreachable = Service(url=f"http://127.0.0.1:{taken.getsockname()[1]}")

        assert trouble(unreachable.model()).code == "ConnectionError"


SYNC = SyncRequest(
    endpoint="churn",
    inference_id=REQUEST.inference_id,
    content_type="text/csv",
    accept="application/json",
    timeout=60,
    body=b"1\n2\n",
)


@pytest.fixture
def answering(service: Service) -> Service:
    service.status, service.body = 200, b"[1, 2]"
    service.headers = {
        "Content-Type": "application/json",
        "x-Amzn-Invoked-Production-Variant": "blue",
    }
    return service


def sync_trouble(model: SageMakerModel, request: SyncRequest = SYNC) -> Trouble:
    with pytest.raises(InvocationError) as caught:
        model.invoke(request)
    return caught.value.trouble


def test_a_real_time_answer_comes_with_its_variant(answering: Service) -> None:
    assert answering.model().invoke(SYNC) == SyncAnswer(b"[1, 2]", "application/json", "blue")

    ((path, headers, body),) = answering.calls
    sent = {name.lower(): value for name, value in headers.items()}
    assert (path, body) == ("/endpoints/churn/invocations", b"1\n2\n")
    assert (sent["content-type"], sent["accept"]) == ("text/csv", "application/json")
    assert sent["x-amzn-sagemaker-inference-id"] == REQUEST.inference_id
    assert not [name for name in sent if "target" in name or "component" in name]


@pytest.mark.parametrize(
    ("target", "header", "value"),
    [
        (Target(model="a/b.tar.gz"), "target-model", "a/b.tar.gz"),
        (Target(variant="blue"), "target-variant", "blue"),
        (Target(container="second"), "target-container-hostname", "second"),
        (Target(component="six"), "inference-component", "six"),
    ],
)
def test_a_part_of_an_endpoint_is_named_in_a_header(
    answering: Service, target: Target, header: str, value: str
) -> None:
    answering.model().invoke(replace(SYNC, target=target))

    ((_, headers, _),) = answering.calls
    sent = {name.lower(): value for name, value in headers.items()}
    assert sent[f"x-amzn-sagemaker-{header}"] == value


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, Kind.PERMANENT, "ModelError"),
        (429, Kind.UNAVAILABLE, "ModelBusy"),
        (500, Kind.RETRYABLE, "ModelError"),
        (507, Kind.RETRYABLE, "ModelError"),
        (0, Kind.RETRYABLE, "ModelError"),
    ],
)
def test_what_the_container_did_is_classed_by_its_own_status(
    service: Service, status: int, kind: Kind, code: str
) -> None:
    document = {"Message": "m", "OriginalStatusCode": status, "OriginalMessage": "no 3s"}
    service.fails(424, "ModelError", document)

    found = sync_trouble(service.model())

    assert (found.kind, found.code, found.message) == (kind, code, "no 3s")
    assert found.of_records == (kind is not Kind.UNAVAILABLE)
    assert len(service.calls) == 1


@pytest.mark.parametrize(
    ("status", "code", "kind", "congested"),
    [
        (429, "ModelNotReadyException", Kind.UNAVAILABLE, False),
        (400, "ThrottlingException", Kind.UNAVAILABLE, True),
        (503, "ServiceUnavailable", Kind.UNAVAILABLE, True),
        (530, "InternalDependencyException", Kind.RETRYABLE, False),
        (400, "ValidationError", Kind.PERMANENT, False),
    ],
)
def test_an_error_in_real_time_is_classed_by_its_code_after_one_call(
    service: Service, status: int, code: str, kind: Kind, congested: bool
) -> None:
    service.fails(status, code)

    found = sync_trouble(service.model())

    assert (found.kind, found.code, found.is_congestion) == (kind, code, congested)
    assert len(service.calls) == 1


def test_a_model_that_is_silent_is_a_timeout_of_its_records(service: Service) -> None:
    service.silent = True

    found = sync_trouble(service.model(read_timeout=0.2), replace(SYNC, timeout=20))

    assert (found.kind, found.code, found.of_records) == (Kind.RETRYABLE, "ModelTimeout", True)
    assert found.message == "no answer within 20 seconds"
    assert len(service.calls) == 1


@pytest.mark.parametrize(("timeout", "patience"), [(60, 70), (20, 20)])
def test_a_call_is_waited_for_as_long_as_the_pipeline_says(
    answering: Service, timeout: int, patience: int
) -> None:
    asked: list[int] = []
    client = answering.model().runtime(0)

    def runtime(read_timeout: int) -> Any:
        asked.append(read_timeout)
        return client

    SageMakerModel(runtime).invoke(replace(SYNC, timeout=timeout))

    assert asked == [patience]


def test_the_functions_client_leaves_retries_to_us() -> None:
    config = runtime_client().meta.config

    assert config.retries["total_max_attempts"] == 1
    assert config.read_timeout == 70
