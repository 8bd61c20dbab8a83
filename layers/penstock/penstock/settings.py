"""The environment of the functions, checked at cold start."""

from collections.abc import Mapping
from dataclasses import dataclass

DAY = 86400


class SettingsError(Exception):
    """An environment variable is missing or is no number: the deployment is wrong."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What template.yaml tells a function. What a function doesn't use stays empty."""

    table: str
    work_bucket: str
    queue_url: str = ""
    output_bucket: str = ""
    split_queue_url: str = ""
    invoke_queue_url: str = ""
    assemble_queue_url: str = ""
    transform_queue_url: str = ""
    result_queue_url: str = ""
    success_topic: str = ""
    failure_topic: str = ""
    event_bus: str = ""
    default_pipeline: str = ""
    input_bucket: str = ""
    endpoint_names: str = ""
    model_names: str = ""
    region_bytes: int = 32 * 1024**2
    retention: int = 90 * DAY
    sweep_grace: int = 900
    endpoint_concurrency: int = 200
    transform_window: int = 60

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """Reads the variables, which are named as the fields in capitals.

        Raises:
            SettingsError: names the variable.
        """
        values = {name: environment[name.upper()] for name in _TEXTS if name.upper() in environment}
        missing = [name.upper() for name in ("table", "work_bucket") if not values.get(name)]
        if missing:
            raise SettingsError(f"{', '.join(missing)} is not set")
        numbers = {
            name: _number(name.upper(), environment[name.upper()])
            for name in _NUMBERS
            if name.upper() in environment
        }
        return cls(**values, **numbers)  # type: ignore[arg-type]  # names decide the types


_NUMBERS = ("region_bytes", "retention", "sweep_grace", "endpoint_concurrency", "transform_window")
_TEXTS = tuple(name for name in Settings.__dataclass_fields__ if name not in _NUMBERS)


def _number(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise SettingsError(f"{name} is no number: {text!r}") from error
