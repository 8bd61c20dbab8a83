"""The ports of use cases that run on a laptop."""

import time
from collections.abc import Callable

from penstock.adapters.dynamodb import DynamoDbTable
from penstock_cli.aws import Connection


def job_table(connection: Connection, now: Callable[[], float] = time.time) -> DynamoDbTable:
    """To read, and to change jobs that are there. What is new would expire at once: write none."""
    return DynamoDbTable(connection.dynamodb, connection.stack.table, now, retention=0)
