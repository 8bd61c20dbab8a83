"""Log lines and metrics through Powertools."""

from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

_ERRORS = frozenset({"DeadLetter", "DeadLetterForeign", "SweepFailed"})
"""Events that somebody should look into."""


@dataclass(frozen=True, slots=True)
class PowertoolsJournal:
    """Journal over Powertools' logger and its metrics in CloudWatch's embedded format."""

    logger: Logger
    metrics: Metrics

    def __call__(self, event: str, /, **fields: Any) -> None:
        known = {name: value for name, value in fields.items() if value is not None}
        log = self.logger.error if event in _ERRORS else self.logger.info
        log(event, extra=known)
        self.metrics.add_metric(name=event, unit=MetricUnit.Count, value=1)

    def flush(self) -> None:
        """Writes the metrics, if there are any: Powertools warns of none, here they are normal."""
        if self.metrics.provider.metric_set:
            self.metrics.flush_metrics()
