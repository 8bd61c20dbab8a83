"""What every instance of a deployment is started from: images, model data, environment."""

import os
import shutil
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from penstock_local.sagemaker.aws import AwsError
from penstock_local.sagemaker.errors import validation_exception
from penstock_local.sagemaker.process import Launch
from penstock_local.sagemaker.resources import Container, Model, file_path
from penstock_local.sagemaker.services import Services


class StartupError(Exception):
    """A deployment can't come into service; the message is its FailureReason."""


@dataclass(frozen=True)
class Blueprint:
    """`data` has a folder for each container with model data, by the container's name.

    `environment` is what the deployment adds to that of the containers.
    """

    model: Model
    folder: Path
    data: dict[str, Path]
    log_file: Path
    region: str
    environment: dict[str, str] = field(default_factory=dict)

    def launch(self, container: Container, storage: Path) -> Launch:
        """`storage`: where the instance keeps the models of a multi-model container."""
        return Launch(
            image_folder=container.image_folder,
            environment={**container.environment, **self.environment},
            added=self._added(container, storage),
            region=self.region,
            log_file=self.log_file,
        )

    def _added(self, container: Container, storage: Path) -> dict[str, str]:
        if container.multi_model:
            return {"SAGEMAKER_MULTI_MODEL": "true", "SAGEMAKER_MODELS_DIR": str(storage)}
        data = self.data.get(container.name)
        return {"SAGEMAKER_MODEL_DIR": str(data)} if data else {}

    def discard(self) -> None:
        """Removes what was downloaded for the deployment."""
        shutil.rmtree(self.folder, ignore_errors=True)


async def prepare(
    services: Services, model: Model, log_file: Path, environment: dict[str, str] | None = None
) -> Blueprint:
    """Downloads the model data. Raises StartupError."""
    folder = models_folder(services) / uuid.uuid4().hex
    log_file.parent.mkdir(parents=True, exist_ok=True)
    data = {}
    try:
        for container in model.containers:
            if container.data_url and not container.multi_model:
                data[container.name] = await _model_data(services, container, folder)
    except BaseException:  # also a cancellation: what was downloaded goes, the error stays
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Blueprint(model, folder, data, log_file, services.region, environment or {})


def models_folder(services: Services) -> Path:
    return services.state_folder / "models"


async def _model_data(services: Services, container: Container, folder: Path) -> Path:
    url = container.data_url or ""
    if url.startswith("file:"):
        return file_path(url)
    unpacked = folder / container.name
    try:
        await services.aws.fetch_model(url, unpacked)
    except AwsError as error:
        raise StartupError(f"Could not download the model data from {url}: {error}") from error
    return unpacked


def check_files(model: Model) -> None:
    """Raises ApiError for an image or a folder that isn't there."""
    for container in model.containers:
        _check_container_files(container)


def _check_container_files(container: Container) -> None:
    folder, url = container.image_folder, container.data_url
    if not os.access(folder / "serve", os.X_OK):
        raise validation_exception(f"Image {folder} has no executable `serve`.")
    if url and url.startswith("file:") and not file_path(url).is_dir():
        raise validation_exception(f"ModelDataUrl {url} is no folder.")
