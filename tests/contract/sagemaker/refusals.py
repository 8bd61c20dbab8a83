"""Calls that must fail."""

from typing import Any

import pytest
from botocore.exceptions import ClientError


def refusal(call: Any, *arguments: Any, **parameters: Any) -> Any:
    """What the error answered with."""
    with pytest.raises(ClientError) as caught:
        call(*arguments, **parameters)
    return caught.value.response
