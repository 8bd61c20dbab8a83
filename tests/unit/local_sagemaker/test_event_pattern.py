import json
from typing import Any

import pytest

from penstock_local.sagemaker.event_pattern import PatternError, matches

EVENT = {
    "source": "aws.sagemaker",
    "resources": ["arn:1", "arn:2"],
    "detail": {"TransformJobName": "penstock-7", "TransformJobStatus": "Failed", "count": 1},
}


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ({"source": ["aws.sagemaker"]}, True),
        ({"source": ["aws.s3", "aws.sagemaker"]}, True),
        ({"source": ["aws.s3"]}, False),
        ({"source": ["aws.sagemaker"], "detail": {"count": [2]}}, False),
        ({"detail": {"TransformJobStatus": ["Completed", "Failed"]}}, True),
        ({"resources": ["arn:2"]}, True),
        ({"detail": {"count": [1]}}, True),
        ({"detail": {"count": [True]}}, False),
        ({"detail": {"count": ["1"]}}, False),
        ({"missing": [None]}, False),
        ({"missing": {"deep": ["x"]}}, False),
        ({"detail": {"TransformJobName": [{"prefix": "penstock-"}]}}, True),
        ({"detail": {"TransformJobName": [{"suffix": "-7"}]}}, True),
        ({"detail": {"TransformJobName": [{"wildcard": "pen*-7"}]}}, True),
        ({"detail": {"TransformJobName": [{"wildcard": "pen*-8"}]}}, False),
        ({"detail": {"TransformJobStatus": [{"equals-ignore-case": "FAILED"}]}}, True),
        ({"detail": {"TransformJobStatus": [{"anything-but": "Failed"}]}}, False),
        ({"detail": {"TransformJobStatus": [{"anything-but": ["A", "B"]}]}}, True),
        ({"detail": {"TransformJobName": [{"anything-but": {"prefix": "other-"}}]}}, True),
        ({"detail": {"FailureReason": [{"exists": False}]}}, True),
        ({"detail": {"count": [{"exists": True}]}}, True),
        ({"detail": {"count": [{"prefix": "1"}]}}, False),
    ],
)
def test_patterns_match_as_eventbridge_says(pattern: dict[str, Any], matched: bool):
    assert matches(json.dumps(pattern), EVENT) is matched


@pytest.mark.parametrize(
    "pattern",
    [
        "no json",
        "[]",
        '{"source": "aws.sagemaker"}',
        '{"detail": {"count": [{"numeric": [">", 0]}]}}',
        '{"$or": []}',
        '{"source": [{"prefix": 5}]}',
        '{"source": [{"prefix": "a", "suffix": "b"}]}',
    ],
)
def test_a_pattern_that_can_not_be_read_is_an_error_not_a_match(pattern: str):
    with pytest.raises(PatternError):
        matches(pattern, EVENT)
