from penstock_local.sagemaker.pipeline import stages, typed

GIVEN = {"Content-Type": "text/csv", "Accept": "application/json", "X-Other": "o"}


def test_the_only_container_gets_all_headers():
    assert stages(GIVEN, 1) == [GIVEN]


def test_the_first_gets_the_content_type_the_last_gets_what_is_accepted():
    assert stages(GIVEN, 3) == [
        {"Content-Type": "text/csv", "X-Other": "o"},
        {"X-Other": "o"},
        {"Accept": "application/json", "X-Other": "o"},
    ]


def test_an_answer_without_a_type_leaves_the_next_request_without_one():
    assert typed({"X-Other": "o"}, None) == {"X-Other": "o"}
    assert typed({}, "a/b") == {"Content-Type": "a/b"}
