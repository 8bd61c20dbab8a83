"""The `penstock` command."""

import click

from penstock_cli.lazy import LazyCommand, LazyGroup

_COMMANDS = {
    "submit": LazyCommand(
        "penstock_cli.submit_command", "submit", "Upload a file, and follow its job if asked to."
    ),
    "configure": LazyCommand(
        "penstock_cli.configure_command", "configure", "Check a _pipeline.yaml and install it."
    ),
    "status": LazyCommand("penstock_cli.status_command", "status", "Show the newest jobs, or one."),
    "results": LazyCommand(
        "penstock_cli.results_command", "results", "Write a job's predictions to stdout or a file."
    ),
    "redrive": LazyCommand(
        "penstock_cli.redrive_command", "redrive", "Run the records that failed again."
    ),
    "cancel": LazyCommand(
        "penstock_cli.cancel_command", "cancel_command", "End a job early; keep what it has."
    ),
    "dlq": LazyCommand(
        "penstock_cli.dlq_command", "dlq", "Look at dead letters, and send them back."
    ),
    "validate": LazyCommand(
        "penstock_cli.validate_command", "validate", "Check a _pipeline.yaml, offline."
    ),
    "connect": LazyCommand(
        "penstock_cli.connect_command", "connect", "Check that an endpoint suits a pipeline."
    ),
    "local": LazyCommand(
        "penstock_local.commands", "local", "Run the whole stack on this machine."
    ),
}


@click.group(
    cls=LazyGroup,
    lazy=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done; 1 the job did not succeed in full, or AWS refused; 2 wrong usage.",
)
@click.version_option(package_name="penstock", message="penstock %(version)s")
def main() -> None:
    """Drop a file into S3; get one prediction per record, in the order of the input.

    The commands work on the stack that `penstock local up` has started in this directory or one
    above, or on a deployed stack with --stack NAME.
    """
