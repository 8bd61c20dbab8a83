"""Tables of bad inputs, one a family: what is wrong, what the user gets, and where.

Each message has to name the file, the place in it, and the remedy.
"""

# The command line is met as its own tests meet it.
from tests.unit.cli.conftest import no_aws_of_the_developer, world

__all__ = ["no_aws_of_the_developer", "world"]
