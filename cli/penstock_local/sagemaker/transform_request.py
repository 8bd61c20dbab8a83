"""What a transform job may ask for, beyond what the service model says. Pure.

Sources: botocore's model, `CreateTransformJob`; guide, `batch-transform` and
`batch-transform-data-processing`. The texts are ours where no source is given.
"""

from typing import Any

from penstock_local.sagemaker.data_processing import CSV, JSON_TYPES, media_type, processing
from penstock_local.sagemaker.errors import ApiError, not_supported, validation_exception
from penstock_local.sagemaker.json_path import JsonPathError
from penstock_local.sagemaker.resources import Model
from penstock_local.sagemaker.transform_settings import MAXIMUM_MEGABYTES

_MOST_INSTANCES = 100


def check_transform(request: dict[str, Any]) -> None:
    """Raises ApiError."""
    _check_supported(request)
    _check_sizes(request)
    _check_processing(request)


def check_transform_model(model: Model) -> None:
    """Raises ApiError."""
    if model.multi_model or model.direct:
        # No parameter names the model or container; whether the service has it is not documented.
        raise not_supported("A transform job with a multi-model or directly invoked model")


def name_taken(where: str) -> ApiError:
    """As for training jobs: <https://github.com/aws/amazon-sagemaker-examples/pull/3108>."""
    return ApiError(
        "ResourceInUse",
        "Transform job names must be unique within an AWS account and region, and a transform job "
        f"with this name already exists ({where})",
    )


def nothing_found(url: str, bucket: str, region: str, role: str) -> ApiError:
    """<https://github.com/aws/amazon-sagemaker-examples/issues/2414>."""
    return validation_exception(
        f'No S3 objects found under S3 URL "{url}" given in input data source. Please ensure that '
        f"the bucket exists in the selected region ({region}), that objects exist under that S3 "
        f'prefix, and that the role "{role}" has "s3:ListBucket" permissions on bucket "{bucket}".'
    )


def _check_supported(request: dict[str, Any]) -> None:
    source = request["TransformInput"]
    data_type = source["DataSource"]["S3DataSource"]["S3DataType"]
    if data_type == "AugmentedManifestFile":
        raise validation_exception("S3DataType AugmentedManifestFile is not compatible with jobs.")
    if data_type not in ("S3Prefix", "ManifestFile"):
        raise not_supported(f"S3DataType {data_type}")
    if source.get("SplitType", "None") not in ("None", "Line"):
        raise not_supported(f"SplitType {source['SplitType']}")


def _check_sizes(request: dict[str, Any]) -> None:
    megabytes, concurrent = request.get("MaxPayloadInMB"), request.get("MaxConcurrentTransforms")
    if megabytes is not None and megabytes > MAXIMUM_MEGABYTES:
        raise validation_exception("MaxPayloadInMB cannot be greater than 100.")
    if megabytes and concurrent and megabytes * concurrent > MAXIMUM_MEGABYTES:
        raise validation_exception(
            "The value of MaxConcurrentTransforms * MaxPayloadInMB must not exceed 100 MB."
        )
    if request["TransformResources"]["InstanceCount"] > _MOST_INSTANCES:
        raise validation_exception("InstanceCount must not exceed 100.")


def _check_processing(request: dict[str, Any]) -> None:
    try:
        wanted = processing(request)
    except JsonPathError as error:
        raise validation_exception(f"DataProcessing: {error}.") from error
    if not wanted.changes_output and wanted.input_filter.is_root:
        return
    if wanted.media_type not in (CSV, *JSON_TYPES):
        raise validation_exception(
            "DataProcessing needs a ContentType of text/csv, application/json or "
            "application/jsonlines."
        )
    if wanted.media_type == CSV:
        _check_row_filters(request)
    if wanted.changes_output:
        _check_formats_agree(request)


def _check_row_filters(request: dict[str, Any]) -> None:
    wanted = processing(request)
    for name, path in (("Input", wanted.input_filter), ("Output", wanted.output_filter)):
        if not path.is_for_rows:
            raise validation_exception(
                f"DataProcessing.{name}Filter: only index based JSONPaths can be applied to CSV."
            )
    if not wanted.by_line:
        raise validation_exception("DataProcessing of text/csv needs SplitType Line.")


def _check_formats_agree(request: dict[str, Any]) -> None:
    """The guide: "the values for Accept and ContentType must match", and those of delimiters."""
    source, target = request["TransformInput"], request["TransformOutput"]
    if media_type(source.get("ContentType", "")) != media_type(target.get("Accept", "")):
        raise validation_exception("DataProcessing needs Accept to be the same as ContentType.")
    if source.get("SplitType", "None") != target.get("AssembleWith", "None"):
        raise validation_exception("DataProcessing needs AssembleWith to be the same as SplitType.")
