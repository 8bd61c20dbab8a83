"""When to try again."""

from collections.abc import Callable
from dataclasses import dataclass

SQS_MAXIMUM_DELAY = 900.0
"""Seconds; the longest DelaySeconds that SQS takes (API reference, SendMessage)."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Temporal's five fields, with its meanings. Intervals are seconds."""

    initial_interval: float = 2.0
    backoff_coefficient: float = 2.0
    maximum_interval: float = 900.0
    maximum_attempts: int = 6
    non_retryable_errors: tuple[str, ...] = ()

    def allows(self, attempt: int, code: str) -> bool:
        """Whether another attempt may follow the given one, which failed with `code`."""
        return attempt < self.maximum_attempts and code not in self.non_retryable_errors


def backoff(policy: RetryPolicy, failures: int, uniform: Callable[[float, float], float]) -> float:
    """Seconds to wait after the n-th failure in a row, with full jitter.

    Full jitter spreads the retries of many chunks that failed together; it is not for
    a single caller that needs a lower bound on its wait.
    Source: "Exponential Backoff And Jitter", AWS Architecture Blog.
    """
    # Beyond 64 doublings the ceiling has long been reached; the bound keeps the float finite.
    exponent = min(failures - 1, 64)
    ceiling = policy.initial_interval * policy.backoff_coefficient**exponent
    return uniform(0.0, min(ceiling, policy.maximum_interval, SQS_MAXIMUM_DELAY))
