"""Model: SageMaker's errors, as they come over the wire, in our three kinds."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer

import boto3
import pytest
from botocore.config import Config

from penstock.adapters.sagemaker import SageMakerModel, runtime_client
from penstock.domain.trouble import InvocationError, Kind, Trouble
from penstock.ports import AsyncRequest, AsyncTicket

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


def test_the_functions_client_leaves_retries_to_us() -> None:
    config = runtime_client().meta.config

    assert config.retries["total_max_attempts"] == 1
    assert config.read_timeout == 70
