import pytest

VALID = "invoke: {endpoint: churn}\n"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "churn.yaml"
    path.write_text(VALID)
    return path


@pytest.mark.parametrize(
    ("options", "key"),
    [([], "_pipeline.yaml"), (["--pipeline", "/churn/"], "churn/_pipeline.yaml")],
)
def test_a_valid_file_becomes_the_pipeline_of_its_prefix(world, file, options, key):
    result = world.penstock("configure", file, *options)

    assert result.exit_code == 0
    assert result.output.startswith(f"s3://inputs/{key}: async on endpoint churn")
    assert world.s3.get_object(Bucket="inputs", Key=key)["Body"].read() == VALID.encode()


def test_an_invalid_file_is_not_installed(world, file):
    file.write_text("invoke: {endpint: churn}\n")

    result = world.penstock("configure", file)

    assert result.exit_code == 1
    assert "unknown key `invoke.endpint`" in result.stderr
    assert world.s3.list_objects_v2(Bucket="inputs")["KeyCount"] == 0
