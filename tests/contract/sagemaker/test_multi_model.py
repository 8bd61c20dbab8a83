"""Multi-model endpoints: models that come when they are asked for, and go when room is needed."""

import io
import json
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.sagemaker.lab import BUCKET, Lab, eventually, image, unique
from tests.contract.sagemaker.refusals import refusal


@dataclass
class Models:
    """A multi-model endpoint and its prefix in the bucket."""

    lab: Lab
    name: str
    prefix: str

    def add(self, target: str, **files: str) -> str:
        """Uploads a model archive with a file `word`, its own name, and further files."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as packed:
            for name, text in {"word": target, **files}.items():
                member = tarfile.TarInfo(name)
                member.size = len(text)
                packed.addfile(member, io.BytesIO(text.encode()))
        self.lab.around.put(f"{self.prefix}/{target}", archive.getvalue())
        return target

    def invoke(self, target: str | None, body: str = "a") -> str:
        named = {"TargetModel": target} if target else {}
        response = self.lab.server.runtime.invoke_endpoint(
            EndpointName=self.name, Body=body.encode(), **named
        )
        answer: str = response["Body"].read().decode()
        return answer

    def refusal(self, target: str | None, body: str = "a") -> Any:
        return refusal(self.invoke, target, body)

    def journal(self, target: str) -> Any:
        """What the container was told to do, as far as it concerns loading."""
        return [item for item in json.loads(self.invoke(target, "journal")) if item != "list"]

    def loaded(self) -> list[Any]:
        instances = self.lab.server.stats(self.name)["instances"]
        return [instance["models"] for instance in instances]


def multi_model(lab: Lab, instances: int = 1, cached: bool = True, **environment: str) -> Models:
    prefix = unique("mme")
    setting = {"ModelCacheSetting": "Enabled" if cached else "Disabled"}
    model = lab.model(
        environment,
        Image=image("multi_model"),
        Mode="MultiModel",
        ModelDataUrl=f"s3://{BUCKET}/{prefix}/",
        MultiModelConfig=setting,
    )
    name = lab.endpoint(lab.config(model, InitialInstanceCount=instances))
    lab.server.until_status(name, "InService")
    return Models(lab, name, prefix)


def test_each_target_model_answers_for_itself_and_is_loaded_once(lab: Lab):
    models = multi_model(lab)
    a, b = models.add("a.tar.gz"), models.add("deep/down/b.tar.gz")

    assert models.invoke(a, "1") == "a.tar.gz:1"
    assert models.invoke(b, "2") == "deep/down/b.tar.gz:2"
    assert models.invoke(a, "3") == "a.tar.gz:3"
    assert models.journal(a) == ["load a.tar.gz", "load deep/down/b.tar.gz"]


def test_the_model_name_is_opaque_and_its_files_lie_under_the_models_directory(lab: Lab):
    models = multi_model(lab)
    target = models.add("a.tar.gz")

    seen = {
        name.lower(): value for name, value in json.loads(models.invoke(target, "headers")).items()
    }
    environment = json.loads(models.invoke(target, "environment"))

    assert seen["x-amzn-sagemaker-target-model"] == target
    name = seen["path"].removeprefix("/models/").removesuffix("/invoke")
    assert target not in name
    assert seen["folder"] == str(Path(environment["SAGEMAKER_MODELS_DIR"], name, "model"))
    assert environment["SAGEMAKER_MULTI_MODEL"] == "true"
    assert "SAGEMAKER_MODEL_DIR" not in environment


def test_a_model_is_added_by_uploading_it(lab: Lab):
    models = multi_model(lab)

    missing = models.refusal("late.tar.gz")
    assert missing["Error"]["Code"] == "ValidationError"
    key = f"{models.prefix}/late.tar.gz"
    assert missing["Error"]["Message"].startswith(
        f"Failed to download model data (bucket: {BUCKET}, key: {key})."
    )
    models.add("late.tar.gz")
    assert models.invoke("late.tar.gz") == "late.tar.gz:a"


def test_what_is_no_archive_is_no_model(lab: Lab):
    models = multi_model(lab)
    lab.around.put(f"{models.prefix}/m.tar.gz", b"no archive")

    error = models.refusal("m.tar.gz")

    assert error["Error"]["Code"] == "ValidationError"


def test_a_full_container_loses_its_least_recently_used_model(lab: Lab):
    models = multi_model(lab, CAPACITY="2")
    a, b, c = (models.add(f"{name}.tar.gz") for name in "abc")
    for target in (a, b, a):
        models.invoke(target)

    assert models.invoke(c) == "c.tar.gz:a"

    assert models.journal(c) == [f"load {a}", f"load {b}", f"unload {b}", f"load {c}"]
    assert models.loaded() == [[a, c]]


def test_an_unloaded_model_is_loaded_again_without_a_download(lab: Lab):
    models = multi_model(lab, CAPACITY="1")
    a, b = models.add("a.tar.gz"), models.add("b.tar.gz")
    models.invoke(a)
    models.invoke(b)
    lab.around.s3.delete_object(Bucket=BUCKET, Key=f"{models.prefix}/{a}")

    assert models.invoke(a) == "a.tar.gz:a"


def test_a_model_in_use_is_not_evicted(lab: Lab):
    models = multi_model(lab, CAPACITY="1")
    a, b = models.add("a.tar.gz"), models.add("b.tar.gz")
    models.invoke(a)
    with ThreadPoolExecutor() as threads:
        running = threads.submit(models.invoke, a, "sleep 1")
        eventually(lambda: lab.server.stats(models.name)["model_invocations"] == 2)

        error = models.refusal(b)

        assert error["Error"]["Code"] == "ModelError"
        assert error["OriginalStatusCode"] == 507
        assert error["OriginalMessage"] == "out of memory"
        assert running.result() == "slept"
    assert models.invoke(b) == "b.tar.gz:a"


def test_a_model_that_has_no_room_to_be_invoked_gets_it(lab: Lab):
    models = multi_model(lab)
    small, hungry = models.add("small.tar.gz"), models.add("hungry.tar.gz", hungry="yes")
    models.invoke(small)

    assert models.invoke(hungry) == "hungry.tar.gz:a"
    assert models.loaded() == [[hungry]]


def test_a_model_that_can_not_be_loaded_is_a_model_error(lab: Lab):
    models = multi_model(lab)
    target = models.add("m.tar.gz", broken="yes")

    error = models.refusal(target)

    assert error["Error"]["Code"] == "ModelError"
    assert (error["OriginalStatusCode"], error["OriginalMessage"]) == (500, "can't load this")


def test_an_error_of_the_model_itself_is_a_model_error(lab: Lab):
    models = multi_model(lab)

    error = models.refusal(models.add("m.tar.gz"), "poison")

    assert (error["OriginalStatusCode"], error["OriginalMessage"]) == (400, "poisoned record")


def test_a_model_that_loads_too_long_is_not_ready_and_goes_on_loading(lab: Lab):
    models = multi_model(lab)
    target = models.add("m.tar.gz", slow="1")
    lab.server.local("PUT", "limits", {"invocation_seconds": 0.3})

    error = models.refusal(target)

    assert error["Error"]["Code"] == "ModelNotReadyException"
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 429
    eventually(lambda: models.loaded() == [[target]])
    assert models.invoke(target) == "m.tar.gz:a"
    assert models.journal(target) == ["load m.tar.gz"]


def test_loading_is_given_up_in_the_end(lab: Lab):
    models = multi_model(lab)
    target = models.add("m.tar.gz", slow="5")
    lab.server.local("PUT", "limits", {"model_load_seconds": 0.2})

    assert models.refusal(target)["Error"]["Code"] == "ModelNotReadyException"


def test_requests_for_a_model_that_is_loading_wait_for_the_same_load(lab: Lab):
    models = multi_model(lab)
    target = models.add("m.tar.gz", slow="0.5")

    with ThreadPoolExecutor() as threads:
        answers = list(threads.map(lambda _: models.invoke(target), range(3)))

    assert answers == ["m.tar.gz:a"] * 3
    assert models.journal(target) == ["load m.tar.gz"]


def test_without_caching_a_model_goes_after_each_invocation(lab: Lab):
    models = multi_model(lab, cached=False)
    a, b = models.add("a.tar.gz"), models.add("b.tar.gz")

    assert models.invoke(a) == "a.tar.gz:a"
    eventually(lambda: models.loaded() == [[]])
    assert models.invoke(a) == "a.tar.gz:a"
    eventually(lambda: models.loaded() == [[]])
    assert models.journal(b)[:4] == [f"load {a}", f"unload {a}"] * 2


def test_a_container_that_has_lost_a_model_loads_it_again(lab: Lab):
    models = multi_model(lab)
    target = models.add("m.tar.gz")

    models.invoke(target, "forget")

    assert models.invoke(target) == "m.tar.gz:a"
    assert models.journal(target) == ["load m.tar.gz", "load m.tar.gz"]


def test_a_container_that_was_restarted_loads_its_models_again(lab: Lab):
    models = multi_model(lab)
    target = models.add("m.tar.gz")
    models.invoke(target)

    assert models.refusal(target, "crash")["Error"]["Code"] == "ModelError"
    eventually(lambda: is_up_again(lab.server.stats(models.name)["instances"][0]))

    assert models.invoke(target) == "m.tar.gz:a"


def is_up_again(instance: Any) -> bool:
    return bool(instance["ready"] and instance["restarts"])


@pytest.mark.local
def test_models_that_a_container_holds_from_the_start_are_known_from_its_list(
    lab: Lab, tmp_path: Path
):
    (tmp_path / "word").write_text("old")
    held = ",".join(f"{name}={tmp_path}" for name in ("x", "y", "z"))
    models = multi_model(lab, CAPACITY="3", PRELOADED=held)
    target = models.add("m.tar.gz")

    assert models.invoke(target) == "m.tar.gz:a"

    assert models.loaded() == [["y", "z", target]]


def test_a_model_stays_with_the_instance_that_holds_it(lab: Lab):
    models = multi_model(lab, instances=2)
    a = models.add("a.tar.gz")

    for _ in range(4):
        models.invoke(a)

    assert sorted(models.loaded()) == [[], [a]]


def test_a_target_model_is_needed_and_only_there(lab: Lab):
    missing = multi_model(lab).refusal(None)
    assert missing["Error"]["Code"] == "ValidationError"
    assert "is missing a target model header" in missing["Error"]["Message"]

    single = lab.real_time_endpoint()
    path, header = f"/endpoints/{single}/invocations", {"X_Amzn_SageMaker_Target_Model": "m.tar.gz"}
    answer = lab.server.http("POST", path, b"a", **header)
    assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (400, "ValidationError")
    assert answer.document == {
        "ErrorCode": "TARGET_MODEL_HEADER_NOT_SUPPORTED",
        "Message": f"Endpoint {single} is not a multi-model endpoint and does not support target "
        "model header.",
    }


@pytest.mark.local
@pytest.mark.parametrize(
    ("container", "message"),
    [
        ({"Mode": "MultiModel"}, "Mode MultiModel needs ModelDataUrl"),
        ({"Mode": "MultiModel", "ModelDataUrl": "file:///tmp"}, "the s3:// prefix"),
        ({"MultiModelConfig": {"ModelCacheSetting": "Enabled"}}, "needs Mode MultiModel"),
    ],
)
def test_a_multi_model_container_without_a_prefix_is_refused(
    lab: Lab, container: dict[str, Any], message: str
):
    with pytest.raises(ClientError, match=message):
        lab.model(Image=image("multi_model"), **container)


@pytest.mark.local
def test_neither_asynchronous_nor_serverless_endpoints_hold_several_models(lab: Lab):
    model = lab.model(
        Image=image("multi_model"), Mode="MultiModel", ModelDataUrl=f"s3://{BUCKET}/models/"
    )

    with pytest.raises(ClientError, match="InvokeEndpointAsync has neither TargetModel"):
        lab.config(model, {"OutputConfig": {"S3OutputPath": f"s3://{BUCKET}/out"}})
    serverless = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    with pytest.raises(ClientError, match="A serverless endpoint can't be a multi-model"):
        lab.server.control.create_endpoint_config(
            EndpointConfigName="c",
            ProductionVariants=[
                {"VariantName": "A", "ModelName": model, "ServerlessConfig": serverless}
            ],
        )
