"""The two families of errors.

PenstockError
├── RetryableError      the same step may succeed later
└── PermanentError      it will not, however often it is tried

A built-in exception that escapes is a bug of ours.
"""


class PenstockError(Exception):
    """Has a `code` to group by, in CamelCase, and a message that says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class RetryableError(PenstockError):
    """The same step may succeed later."""


class PermanentError(PenstockError):
    """Trying again would fail again."""
