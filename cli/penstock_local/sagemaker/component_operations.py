"""The operations on inference components."""

from penstock_local.sagemaker.blueprint import check_files
from penstock_local.sagemaker.component_hosting import ComponentHosting
from penstock_local.sagemaker.components import (
    Component,
    check_model,
    check_place,
    check_request,
    component_document,
    component_summary,
    container_request,
)
from penstock_local.sagemaker.errors import validation_exception
from penstock_local.sagemaker.features import refuse_containers
from penstock_local.sagemaker.listing import COMPONENTS, page
from penstock_local.sagemaker.operations import Document, Operation
from penstock_local.sagemaker.registry import Registry
from penstock_local.sagemaker.resources import Model, arn
from penstock_local.sagemaker.services import Services


class ComponentOperations:
    def __init__(self, registry: Registry, hosting: ComponentHosting, services: Services) -> None:
        self._registry = registry
        self._hosting = hosting
        self._clock = services.clock
        self._region = services.region

    def table(self) -> dict[str, Operation]:
        return {
            "CreateInferenceComponent": self._create,
            "DescribeInferenceComponent": self._describe,
            "DeleteInferenceComponent": self._delete,
            "ListInferenceComponents": self._list,
        }

    def _create(self, request: Document) -> Document:
        check_request(request)
        check_place(self._registry.endpoint(request["EndpointName"]), request["VariantName"])
        now = self._clock.now()
        name, model = request["InferenceComponentName"], self._model(request)
        component = Component(name, request, model, "Creating", now, now)
        where = self._registry.add_component(component)
        self._hosting.create(component)
        return {"InferenceComponentArn": where}

    def _model(self, request: Document) -> Model:
        specification = request["Specification"]
        own = container_request(specification)
        if own is None:
            model = self._registry.model(specification["ModelName"])
        else:
            refuse_containers(own)
            model = Model(request["InferenceComponentName"], own, self._clock.now())
            check_files(model)
        check_model(model)
        return model

    def _describe(self, request: Document) -> Document:
        component = self._registry.component(request["InferenceComponentName"])
        return component_document(component, self._region)

    def _delete(self, request: Document) -> Document:
        component = self._registry.component(request["InferenceComponentName"])
        if component.status in ("Creating", "Deleting"):
            where = arn(self._region, "inference-component", component.name)
            raise validation_exception(f'Cannot delete in-progress inference component "{where}".')
        self._registry.put_component(component.moved_to("Deleting", self._clock.now()))
        self._hosting.delete(component)
        return {}

    def _list(self, request: Document) -> Document:
        found = self._registry.components()
        summaries = [component_summary(component, self._region) for component in found]
        return page(COMPONENTS, summaries, request)
