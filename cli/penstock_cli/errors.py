"""What keeps a command from doing its work.

PermanentError          carried out, with a bad end: exit code 1
└── WrongUsageError     cannot start as it was typed: exit code 2
"""

from penstock.domain.errors import PermanentError


class WrongUsageError(PermanentError):
    """The message says what to change."""
