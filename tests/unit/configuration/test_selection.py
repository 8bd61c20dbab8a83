"""What a function selects with."""

import pytest

from penstock.domain.errors import PermanentError
from penstock.selection import compile_selection


def test_a_selection_is_a_function_of_documents() -> None:
    select = compile_selection("outputs[0].data")

    assert select({"outputs": [{"data": [1, 2]}]}) == [1, 2]
    assert select({}) is None


@pytest.mark.parametrize("expression", ["a[", "", "sort(", "nonsense(@)"])
def test_what_is_no_jmespath_is_refused(expression: str) -> None:
    with pytest.raises(PermanentError, match="BadSelection"):
        compile_selection(expression)({"a": 1})


def test_a_selection_that_does_not_fit_a_document_is_an_error() -> None:
    with pytest.raises(PermanentError, match="BadSelection"):
        compile_selection("sum(@)")({"a": 1})
