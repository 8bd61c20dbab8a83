"""The service's limits that may be changed, at the start or while the server runs. Pure.

The defaults are the documented ones. Sources: the guide's pages `deploy-model-options` and
`hosting-faqs` (payloads, times), `serverless-endpoints`, `invoke-multi-model-endpoint`, and the
quotas in the General Reference, `sagemaker`.
"""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any


class LimitError(ValueError):
    """A limit that doesn't exist or a value that it can't have; the message names both."""


@dataclass(frozen=True)
class Limits:
    # botocore's model says 6 MiB, the guide 25 MB: more than 6 MiB is for those who ask for it.
    real_time_payload_bytes: int = 6_291_456
    invocation_seconds: float = 60.0
    model_load_seconds: float = 360.0  # of a multi-model endpoint, the wait of 60 s included
    serverless_payload_bytes: int = 4 * 1024 * 1024
    serverless_idle_seconds: float = 600.0  # ours: the guide says "for a while"
    # The guide's figures; a new account has less: 5 endpoints and 10 in all.
    serverless_endpoints: int = 50
    serverless_total_concurrency: int = 1000
    create_transform_jobs_per_second: float = 1
    describe_transform_jobs_per_second: float = 5
    list_transform_jobs_per_second: float = 2
    transform_instances: int = 4  # "across all transform jobs"
    transform_restarts: int = 1000  # ours: what becomes of a job whose servers die is undocumented


class LimitBook:
    """The limits in force."""

    def __init__(self, at_start: Limits | None = None) -> None:
        self._at_start = at_start or Limits()
        self._now = self._at_start

    @property
    def now(self) -> Limits:
        return self._now

    def change(self, document: Any) -> None:
        """Changes the limits that the document names. Raises LimitError."""
        self._now = changed(self._now, document)

    def reset(self) -> None:
        self._now = self._at_start

    def report(self) -> dict[str, Any]:
        return asdict(self._now)


def changed(limits: Limits, document: Any) -> Limits:
    """Raises LimitError."""
    if not isinstance(document, dict):
        raise LimitError("the limits must be a JSON object")
    return replace(limits, **{name: _checked(name, value) for name, value in document.items()})


def parse_setting(setting: str) -> dict[str, Any]:
    """`name=value` of the command line. Raises LimitError."""
    name, _, value = setting.partition("=")
    try:
        return {name: float(value) if "." in value else int(value)}
    except ValueError as error:
        raise LimitError(f"{setting}: a limit is given as name=number") from error


def _checked(name: str, value: Any) -> Any:
    known = {field.name: field.type for field in fields(Limits)}
    if name not in known:
        raise LimitError(f"{name} is no limit; the limits are {', '.join(sorted(known))}")
    accepted = (int,) if known[name] is int else (int, float)
    if not isinstance(value, accepted) or isinstance(value, bool) or value < 0:
        raise LimitError(f"{name} must be a number of at least 0")
    return value
