"""Start, crash, restart: of model servers and of the server itself."""

import json
import os
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.contract.sagemaker.lab import (
    BUCKET,
    CREDENTIALS,
    Account,
    AsyncEndpoint,
    Lab,
    Server,
    Surroundings,
    eventually,
    running_server,
    start_server,
)

pytestmark = pytest.mark.local


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" in status.read_text()


def instance_pids(server: Server | Account, endpoint: str) -> list[int]:
    return [instance["pid"] for instance in server.stats(endpoint)["instances"]]


@pytest.mark.parametrize("start", ["never", "exit"])
def test_a_model_server_that_never_answers_ping_fails_the_endpoint(lab: Lab, start: str):
    endpoint = lab.endpoint(lab.config(lab.model({"START": start})))
    assert lab.server.status(endpoint) == "Creating"

    lab.server.local("POST", "clock", {"advance_seconds": 481})

    lab.server.until_status(endpoint, "Failed")
    described = lab.server.control.describe_endpoint(EndpointName=endpoint)
    assert described["FailureReason"].startswith(
        "The primary container for production variant AllTraffic did not pass the ping health check"
    )
    lab.server.control.delete_endpoint(EndpointName=endpoint)
    eventually(lambda: endpoint not in names(lab.server))


def names(server: Server | Account) -> list[str]:
    found = server.control.list_endpoints(MaxResults=100)["Endpoints"]
    return [item["EndpointName"] for item in found]


def test_an_endpoint_that_is_being_created_can_not_be_deleted(lab: Lab):
    endpoint = lab.endpoint(lab.config(lab.model({"START": "never"})))

    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        lab.server.control.delete_endpoint(EndpointName=endpoint)


def test_a_crash_fails_the_request_in_flight_and_the_server_comes_back(endpoint: AsyncEndpoint):
    response = endpoint.invoke(b"crash")

    assert b"could not get a response" in endpoint.failure(response)["Body"]
    reason = endpoint.error.message()["failureReason"]
    assert reason.startswith("ClientError: Received server error (0) from model.")
    assert endpoint.output(endpoint.invoke(b"again"))["Body"] == b"echo:again\n"
    assert endpoint.stats()["instances"][0]["restarts"] == 1


def test_a_kill_on_demand_fails_what_runs_and_keeps_what_waits(lab: Lab):
    endpoint = lab.async_endpoint(max_concurrent=1)
    running, waiting = endpoint.invoke(b"sleep 5"), endpoint.invoke(b"waiting")
    eventually(lambda: endpoint.stats()["model_invocations"] == 1)

    killed = lab.server.local("POST", "kill", {"endpoint": endpoint.name})["pid"]

    assert b"could not get a response" in endpoint.failure(running)["Body"]
    assert endpoint.output(waiting)["Body"] == b"echo:waiting\n"
    assert instance_pids(lab.server, endpoint.name) != [killed]


def test_a_model_server_that_stops_answering_ping_is_restarted(endpoint: AsyncEndpoint):
    endpoint.output(endpoint.invoke(b"sick"))

    eventually(lambda: endpoint.stats()["instances"][0]["restarts"] == 1)

    assert endpoint.output(endpoint.invoke(b"well"))["Body"] == b"echo:well\n"


def test_what_the_model_server_prints_is_in_the_log_of_the_endpoint(
    lab: Lab, around: Surroundings, tmp_path: Path
):
    with running_server(tmp_path / "state", around.url) as server:
        endpoint = Lab(server, around).async_endpoint()
        endpoint.output(endpoint.invoke(b"a"))

        log = tmp_path / "state" / "logs" / f"{endpoint.name}.log"
        eventually(lambda: "POST /invocations" in log.read_text())


def test_deleting_an_endpoint_ends_its_model_servers(lab: Lab):
    endpoint = lab.real_time_endpoint()
    (pid,) = instance_pids(lab.server, endpoint)

    lab.server.control.delete_endpoint(EndpointName=endpoint)

    eventually(lambda: is_gone(pid))


def test_an_update_replaces_the_model_servers_and_loses_no_request(lab: Lab):
    endpoint = lab.async_endpoint(max_concurrent=1)
    settings = lab.server.control.describe_endpoint(EndpointName=endpoint.name)
    config = lab.config(lab.model({"NEW": "yes"}), settings["AsyncInferenceConfig"])
    running, waiting = endpoint.invoke(b"sleep 0.5"), endpoint.invoke(b"environment")
    old = instance_pids(lab.server, endpoint.name)

    lab.server.control.update_endpoint(EndpointName=endpoint.name, EndpointConfigName=config)

    assert lab.server.status(endpoint.name) in ("Updating", "InService")
    assert endpoint.output(running)["Body"] == b"slept"
    assert endpoint.output(waiting)
    lab.server.until_status(endpoint.name, "InService")
    eventually(lambda: all(is_gone(pid) for pid in old))
    assert b'"NEW": "yes"' in endpoint.output(endpoint.invoke(b"environment"))["Body"]


def test_an_update_that_does_not_start_leaves_the_old_model_serving(lab: Lab):
    endpoint = lab.async_endpoint()
    settings = lab.server.control.describe_endpoint(EndpointName=endpoint.name)
    config = lab.config(lab.model({"START": "never"}), settings["AsyncInferenceConfig"])

    lab.server.control.update_endpoint(EndpointName=endpoint.name, EndpointConfigName=config)
    assert lab.server.status(endpoint.name) == "Updating"
    lab.server.local("POST", "clock", {"advance_seconds": 481})
    lab.server.until_status(endpoint.name, "InService")

    described = lab.server.control.describe_endpoint(EndpointName=endpoint.name)
    assert "did not pass the ping health check" in described["FailureReason"]
    assert described["EndpointConfigName"] != config
    assert endpoint.output(endpoint.invoke(b"a"))["Body"] == b"echo:a\n"


def test_an_async_endpoint_stays_one(lab: Lab):
    endpoint = lab.async_endpoint()

    with pytest.raises(ClientError, match="AsyncInferenceConfig parameter cannot be removed"):
        lab.server.control.update_endpoint(
            EndpointName=endpoint.name, EndpointConfigName=lab.config(lab.model())
        )


def test_a_model_folder_and_a_model_archive_are_handed_to_the_container(lab: Lab, tmp_path: Path):
    (tmp_path / "weights").write_text("1 2 3")
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "weights", "weights")
    url = lab.around.put("models/model.tar.gz", (tmp_path / "model.tar.gz").read_bytes())

    for data in (tmp_path.as_uri(), url):
        endpoint = lab.endpoint(lab.config(lab.model(ModelDataUrl=data)))
        lab.server.until_status(endpoint, "InService")
        response = lab.server.runtime.invoke_endpoint(EndpointName=endpoint, Body=b"environment")
        folder = Path(json.load(response["Body"])["SAGEMAKER_MODEL_DIR"])
        assert (folder / "weights").read_text() == "1 2 3"


def test_model_data_that_is_not_there_fails_the_endpoint(lab: Lab):
    model = lab.model(ModelDataUrl=f"s3://{BUCKET}/models/none.tar.gz")

    endpoint = lab.endpoint(lab.config(model))

    lab.server.until_status(endpoint, "Failed")
    described = lab.server.control.describe_endpoint(EndpointName=endpoint)
    assert "Could not download the model data" in described["FailureReason"]


def test_endpoints_serve_again_after_a_restart_of_the_server(around: Surroundings, tmp_path: Path):
    with running_server(tmp_path / "state", around.url) as server:
        endpoint = Lab(server, around).async_endpoint()
        (pid,) = instance_pids(server, endpoint.name)
    assert is_gone(pid)

    with running_server(tmp_path / "state", around.url) as again:
        again.until_status(endpoint.name, "InService")
        endpoint.server = again
        assert endpoint.output(endpoint.invoke(b"a"))["Body"] == b"echo:a\n"
        assert again.process.poll() is None


def test_a_killed_server_takes_its_model_servers_with_it(around: Surroundings, tmp_path: Path):
    server = start_server(tmp_path / "state", around.url)
    endpoint = Lab(server, around).real_time_endpoint()
    (pid,) = instance_pids(server, endpoint)

    server.process.kill()
    server.process.wait(10)

    eventually(lambda: is_gone(pid))


def test_a_termination_signal_ends_the_server_cleanly(around: Surroundings, tmp_path: Path):
    server = start_server(tmp_path / "state", around.url)

    server.process.send_signal(signal.SIGTERM)

    assert server.process.wait(10) == 0


def test_a_second_server_on_the_same_state_is_refused(around: Surroundings, tmp_path: Path):
    with running_server(tmp_path / "state", around.url):
        second = [sys.executable, "-m", "penstock_local.sagemaker"]
        second += ["--state-dir", str(tmp_path / "state"), "--aws-endpoint-url", str(around.url)]
        ended = subprocess.run(  # noqa: S603 - our own program
            second, env={**os.environ, **CREDENTIALS}, capture_output=True, timeout=15, check=False
        )

    assert ended.returncode == 1
    assert b"another local SageMaker uses" in ended.stderr
