"""Batch Transform in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from penstock.domain.transform_job import Report, Status
from penstock.domain.transform_trouble import CreationError
from penstock.domain.trouble import Kind, Trouble
from penstock.ports_transform import TransformRequest


def _takes_all(_request: TransformRequest) -> None:
    """The behaviour of a service that has room."""


@dataclass(slots=True)
class FakeTransforms:
    """Transforms. `behaviour` sees each new request first and may raise CreationError.

    A test runs a job that was created, and says with `end` how it ended.
    """

    behaviour: Callable[[TransformRequest], None] = _takes_all
    requests: list[TransformRequest] = field(default_factory=list)
    reports: dict[str, Report] = field(default_factory=dict)
    models: frozenset[str] | None = None
    now: Callable[[], float] = lambda: 0.0

    def create(self, request: TransformRequest) -> None:
        if request.name in self.reports:
            return
        transform = request.invoke.transform
        if self.models is not None and transform and transform.model not in self.models:
            text = f'Could not find model "{transform.model}".'
            raise CreationError(Trouble(Kind.PERMANENT, "ValidationException", text))
        self.behaviour(request)
        self.requests.append(request)
        self.reports[request.name] = Report(Status.IN_PROGRESS, started_at=self.now())

    def describe(self, name: str) -> Report | None:
        return self.reports.get(name)

    def stop(self, name: str) -> None:
        report = self.reports.get(name)
        if report and report.status is Status.IN_PROGRESS:
            self.reports[name] = replace(report, status=Status.STOPPING)

    def end(self, name: str, status: Status, reason: str | None = None) -> Report:
        report = replace(self.reports[name], status=status, reason=reason, ended_at=self.now())
        self.reports[name] = report
        return report
