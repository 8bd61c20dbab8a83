"""botocore's own description of the two services: the only source of names, types and limits."""

from functools import cache

import botocore.session
from botocore.model import ServiceModel, StructureShape


@cache
def _service(name: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(name)


def control_request(operation: str) -> StructureShape:
    return _request("sagemaker", operation)


def runtime_request(operation: str) -> StructureShape:
    return _request("sagemaker-runtime", operation)


def control_operation_exists(name: str) -> bool:
    return name in _service("sagemaker").operation_names


def _request(service: str, operation: str) -> StructureShape:
    shape = _service(service).operation_model(operation).input_shape
    if shape is None:
        raise LookupError(f"{operation} takes no parameters")
    return shape
