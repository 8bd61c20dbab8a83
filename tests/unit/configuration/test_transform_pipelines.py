"""`mode: transform` in pipeline files: what each key comes to, and what is refused."""

import json
from dataclasses import asdict

import pytest

from penstock.domain.endpoint_names import model_names
from penstock.domain.pipeline import Pipeline
from penstock.domain.transform import DataCapture, Experiment, Transform
from penstock.pipeline_file import InvalidPipelineError, load_pipeline

FILE = "in/_pipeline.yaml"
SOUND = "invoke:\n  mode: transform\n  model: churn\n  instance_type: ml.m5.large\n"


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(InvalidPipelineError) as caught:
        load_pipeline(text, FILE)
    return caught.value.problems


def test_a_model_and_an_instance_type_are_enough() -> None:
    invoke = load_pipeline(SOUND, FILE).invoke

    assert invoke.transform == Transform("churn", "ml.m5.large")
    assert (invoke.endpoint, invoke.timeout) == ("", 600)


def test_every_field_of_a_transform_job_can_be_set() -> None:
    text = (
        SOUND
        + """\
  instance_count: 2
  strategy: SingleRecord
  max_concurrent_transforms: 4
  max_payload: 25MiB
  max_retries: 0
  timeout: 1h
  environment: {LEVEL: debug}
  input_filter: $[1:]
  output_filter: $[0]
  join_source: input
  compression: gzip
  output_kms_key: alias/out
  volume_kms_key: alias/disk
  transform_ami_version: al2-ami-sagemaker-batch-gpu-535
  data_capture: {destination: s3://logs/captured, kms_key: k, generate_inference_id: true}
  experiment: {name: e, trial: t, trial_component: c, run: r}
  tags: {team: churn, cost centre: "7"}
"""
    )
    pipeline = load_pipeline(text, FILE)

    assert pipeline.invoke.transform == Transform(
        model="churn",
        instance_type="ml.m5.large",
        instance_count=2,
        strategy="SingleRecord",
        max_concurrent_transforms=4,
        max_payload=25,
        max_retries=0,
        environment={"LEVEL": "debug"},
        input_filter="$[1:]",
        output_filter="$[0]",
        join_source=True,
        compression=True,
        output_kms_key="alias/out",
        volume_kms_key="alias/disk",
        transform_ami_version="al2-ami-sagemaker-batch-gpu-535",
        data_capture=DataCapture("s3://logs/captured", "k", generate_inference_id=True),
        experiment=Experiment("e", "t", "c", "r"),
        tags={"team": "churn", "cost centre": "7"},
    )
    assert Pipeline.from_json(json.loads(json.dumps(pipeline.to_json()))) == pipeline


@pytest.mark.parametrize(
    ("written", "megabytes"), [("6MB", 6), ("6MiB", 6), ("100MB", 100), (0, 0)]
)
def test_a_payload_is_in_whole_megabytes(written: str | int, megabytes: int) -> None:
    transform = load_pipeline(f"{SOUND}  max_payload: {written}\n", FILE).invoke.transform

    assert transform and transform.max_payload == megabytes


def test_a_job_of_an_older_version_has_no_transform() -> None:
    document = load_pipeline("invoke: {endpoint: e}\n", FILE).to_json()
    del document["invoke"]["transform"]

    assert Pipeline.from_json(document).invoke.transform is None


def many(count: int) -> str:
    return ", ".join(f"K{number}: v" for number in range(count))


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("invoke:\n  mode: transform\n  model: m\n", 1, "`invoke.instance_type` is missing"),
        (
            "invoke:\n  mode: transform\n  instance_type: ml.m5.large\n",
            1,
            "`invoke.model` is missing",
        ),
        (SOUND + "  endpoint: e\n", 5, "runs `invoke.model` without one; remove it"),
        (SOUND + "  custom_attributes: a\n", 5, "use `invoke.environment`"),
        (SOUND + "  queue_timeout: 1h\n", 5, "is for mode: async, and this is transform"),
        (SOUND + "  target_model: a\n", 5, "is for mode: realtime, and this is transform"),
        (SOUND + "  max_payload: 101MB\n", 5, "whole megabytes up to 100"),
        (SOUND + "  max_payload: 1500KB\n", 5, "whole megabytes up to 100"),
        (
            SOUND + "  max_payload: 51MB\n  max_concurrent_transforms: 2\n",
            6,
            "is 2, times `invoke.max_payload` of 51MB makes 102MB",
        ),
        (SOUND + "  max_concurrent_transforms: 17\n", 5, "of 6MB makes 102MB"),
        (SOUND + "  instance_type: m5.large\n", 5, "stands here a second time"),
        (SOUND + "  instance_count: 101\n", 5, "less than or equal to 100"),
        (SOUND + "  max_retries: 4\n", 5, "less than or equal to 3"),
        (SOUND + "  strategy: Both\n", 5, "must be multirecord or singlerecord"),
        (SOUND + "  content_type: application/x-recordio-protobuf\n", 5, "convert them to CSV"),
        (SOUND + "  content_type: application/x-tfrecord\n", 5, "convert them to CSV"),
        (SOUND + "  strategy: MultiRecord\ninput: {header: send}\n", 5, "set `input.header`: true"),
        (
            SOUND + "  strategy: MultiRecord\n  content_type: application/json\n",
            5,
            "set `invoke.content_type` to JSON Lines",
        ),
        (
            SOUND + "  join_source: input\n  content_type: text/csv\n  accept: text/plain\n",
            5,
            "`invoke.accept` is text/plain, not text/csv",
        ),
        (SOUND + "  output_filter: $\ninput: {format: text}\n", 5, "are sent as text/plain"),
        (SOUND + "  environment: {1st: x}\n", 5, "`invoke.environment.1st"),
        (SOUND + "  environment: {A: 1}\n", 5, "`invoke.environment.A` is 1"),
        (SOUND + f"  environment: {{{many(17)}}}\n", 5, "at most 16 items"),
        (SOUND + f"  tags: {{{many(51)}}}\n", 5, "at most 50 items"),
        (SOUND + "  data_capture: {destination: disk}\n", 5, "characters that are not allowed"),
        (SOUND + "  experiment: {name: a_b}\n", 5, "characters that are not allowed"),
        (SOUND + "  data_capture: {}\n", 5, "`invoke.data_capture.destination` is missing"),
        ("invoke:\n  endpoint: e\n  strategy: MultiRecord\n", 3, "is for mode: transform"),
        ("invoke:\n  endpoint: e\n  tags: {a: b}\n", 3, "remove it, or set the mode"),
        ("invoke:\n  endpoint: e\n  mode: realtime\n  max_payload: 26MB\n", 4, "1KiB and 25MB"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(text: str, line: int, words: str) -> None:
    (problem, *_) = problems(text)

    assert problem.startswith(f"{FILE}, line {line}: ")
    assert words in problem


def test_a_model_that_the_stack_may_not_run_is_refused() -> None:
    assert load_pipeline(SOUND, FILE, models=model_names("ch*")).invoke.transform
    for pattern, words in (
        ("fraud-*", "may run fraud-*"),
        ("", "set its parameter ModelNamePattern"),
    ):
        with pytest.raises(InvalidPipelineError) as caught:
            load_pipeline(SOUND, FILE, models=model_names(pattern))
        (problem,) = caught.value.problems
        assert problem.startswith(f"{FILE}, line 3: `invoke.model` is 'churn'")
        assert words in problem


def test_the_domain_keeps_no_field_that_the_file_lacks() -> None:
    transform = load_pipeline(SOUND, FILE).invoke.transform

    assert transform
    assert set(asdict(transform)) >= {"model", "instance_type", "tags", "experiment"}
