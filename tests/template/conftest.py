import pytest

from tests.template.model import Template


@pytest.fixture(scope="session")
def template() -> Template:
    return Template.load()
