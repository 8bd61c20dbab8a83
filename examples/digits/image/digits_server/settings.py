"""What the environment decides. Everything has a default, so `./serve` just works."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SAGEMAKER_MODEL_DIR = Path("/opt/ml/model")
EXAMPLE_MODEL_DIR = Path(__file__).resolve().parents[2] / "model"
OUTPUTS = ("label", "probabilities")
MIB = 1024 * 1024


@dataclass(frozen=True)
class Settings:
    """`output` is what a line of text/csv or text/plain holds: `7`, or `7,0.98`."""

    model_dir: Path
    host: str
    port: int
    threads: int
    output: str
    max_request_bytes: int


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Raises ValueError for a setting that is not understood."""
    output = environment.get("MODEL_OUTPUT", "label")
    if output not in OUTPUTS:
        raise ValueError(f"MODEL_OUTPUT must be one of {', '.join(OUTPUTS)}, got {output!r}")
    return Settings(
        model_dir=_model_dir(environment),
        # Loopback unless told otherwise: on a laptop nobody else should reach the model. SageMaker
        # needs 0.0.0.0, which the Dockerfile sets.
        host=environment.get("SAGEMAKER_BIND_TO_HOST", "127.0.0.1"),
        port=int(environment.get("SAGEMAKER_BIND_TO_PORT", "8080")),
        # More than the invocations that run at once, so that a thread is left to answer /ping.
        threads=int(environment.get("MODEL_SERVER_THREADS", "8")),
        output=output,
        max_request_bytes=int(environment.get("MODEL_MAX_REQUEST_BYTES", str(25 * MIB))),
    )


def _model_dir(environment: Mapping[str, str]) -> Path:
    if "SM_MODEL_DIR" in environment:
        return Path(environment["SM_MODEL_DIR"])
    return SAGEMAKER_MODEL_DIR if SAGEMAKER_MODEL_DIR.is_dir() else EXAMPLE_MODEL_DIR
