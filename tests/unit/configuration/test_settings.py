"""The environment of the functions."""

import pytest

from penstock.settings import DAY, Settings, SettingsError

LEAST = {"TABLE": "jobs", "WORK_BUCKET": "work"}


def test_what_a_function_does_not_use_stays_empty() -> None:
    settings = Settings.of(LEAST | {"PATH": "/usr/bin"})

    assert settings == Settings("jobs", "work")
    assert settings.retention == 90 * DAY


def test_every_variable_is_read() -> None:
    texts = {
        name: name.lower()
        for name in [
            "QUEUE_URL",
            "OUTPUT_BUCKET",
            "SPLIT_QUEUE_URL",
            "INVOKE_QUEUE_URL",
            "ASSEMBLE_QUEUE_URL",
            "SUCCESS_TOPIC",
            "FAILURE_TOPIC",
            "EVENT_BUS",
            "DEFAULT_PIPELINE",
            "INPUT_BUCKET",
            "ENDPOINT_NAMES",
        ]
    }

    settings = Settings.of(
        LEAST
        | texts
        | {"REGION_BYTES": "7", "RETENTION": "8", "SWEEP_GRACE": "9", "ENDPOINT_CONCURRENCY": "6"}
    )

    assert {name: getattr(settings, name.lower()) for name in texts} == texts
    assert (settings.region_bytes, settings.retention, settings.sweep_grace) == (7, 8, 9)
    assert settings.endpoint_concurrency == 6


@pytest.mark.parametrize("missing", LEAST)
def test_a_variable_that_every_function_needs_is_missed_by_name(missing: str) -> None:
    with pytest.raises(SettingsError, match=f"^{missing} is not set"):
        Settings.of({name: value for name, value in LEAST.items() if name != missing})


def test_a_variable_that_is_empty_is_missing() -> None:
    with pytest.raises(SettingsError, match="TABLE is not set"):
        Settings.of(LEAST | {"TABLE": ""})


def test_a_number_that_is_none_is_told() -> None:
    with pytest.raises(SettingsError, match="REGION_BYTES is no number: '32MiB'"):
        Settings.of(LEAST | {"REGION_BYTES": "32MiB"})
