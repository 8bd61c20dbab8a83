from penstock_local import aws

URL = "http://127.0.0.1:4566"


def test_a_child_process_gets_nothing_of_the_users_aws_setup():
    inherited = {"AWS_PROFILE": "work", "AWS_SESSION_TOKEN": "t", "SAM_CLI_X": "1", "PATH": "/bin"}

    environment = aws.environment(URL, inherited)

    assert environment["PATH"] == "/bin"
    assert environment["AWS_ENDPOINT_URL"] == URL
    assert environment["AWS_CONFIG_FILE"] == "/dev/null"
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "SAM_CLI_X"} & environment.keys()


def test_the_users_proxy_is_not_asked_for_this_machine():
    environment = aws.environment(URL, {"NO_PROXY": "example.org"})

    assert environment["NO_PROXY"] == "example.org,127.0.0.1,localhost"
