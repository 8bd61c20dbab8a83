class LocalStackError(Exception):
    """The local stack can't do what was asked; the message says what to do about it."""
