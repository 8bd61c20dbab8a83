"""The operations of the control plane, on the registry and the hosting."""

from penstock_local.sagemaker import documents
from penstock_local.sagemaker.blueprint import check_files
from penstock_local.sagemaker.combinations import (
    check_conversion,
    check_serverless_quotas,
    refuse_models,
)
from penstock_local.sagemaker.errors import validation_exception
from penstock_local.sagemaker.hosting import Hosting
from penstock_local.sagemaker.listing import CONFIGS, ENDPOINTS, MODELS, page
from penstock_local.sagemaker.operations import Document, Operation
from penstock_local.sagemaker.registry import Registry
from penstock_local.sagemaker.resources import (
    Endpoint,
    EndpointConfig,
    Model,
    arn,
)
from penstock_local.sagemaker.services import Services


class ControlOperations:
    def __init__(self, registry: Registry, hosting: Hosting, services: Services) -> None:
        self._registry = registry
        self._hosting = hosting
        self._clock = services.clock
        self._limits = services.limits
        self._region = services.region

    def table(self) -> dict[str, Operation]:
        return {
            "CreateModel": self._create_model,
            "DescribeModel": self._describe_model,
            "DeleteModel": self._delete_model,
            "ListModels": self._list_models,
            "CreateEndpointConfig": self._create_config,
            "DescribeEndpointConfig": self._describe_config,
            "DeleteEndpointConfig": self._delete_config,
            "ListEndpointConfigs": self._list_configs,
            "CreateEndpoint": self._create_endpoint,
            "DescribeEndpoint": self._describe_endpoint,
            "ListEndpoints": self._list_endpoints,
            "UpdateEndpoint": self._update_endpoint,
            "DeleteEndpoint": self._delete_endpoint,
        }

    def _create_model(self, request: Document) -> Document:
        model = Model(request["ModelName"], request, self._clock.now())
        check_files(model)
        return {"ModelArn": self._registry.add_model(model)}

    def _describe_model(self, request: Document) -> Document:
        return documents.model_document(self._registry.model(request["ModelName"]), self._region)

    def _delete_model(self, request: Document) -> Document:
        self._registry.remove_model(request["ModelName"])
        return {}

    def _list_models(self, request: Document) -> Document:
        models = self._registry.models()
        summaries = [documents.model_summary(model, self._region) for model in models]
        return page(MODELS, summaries, request)

    def _create_config(self, request: Document) -> Document:
        config = EndpointConfig(request["EndpointConfigName"], request, self._clock.now())
        self._models(config)
        return {"EndpointConfigArn": self._registry.add_config(config)}

    def _describe_config(self, request: Document) -> Document:
        config = self._registry.config(request["EndpointConfigName"])
        return documents.config_document(config, self._region)

    def _delete_config(self, request: Document) -> Document:
        self._registry.remove_config(request["EndpointConfigName"])
        return {}

    def _list_configs(self, request: Document) -> Document:
        configs = self._registry.configs()
        summaries = [documents.config_summary(config, self._region) for config in configs]
        return page(CONFIGS, summaries, request)

    def _create_endpoint(self, request: Document) -> Document:
        config = self._registry.config(request["EndpointConfigName"])
        models, now = self._models(config), self._clock.now()
        endpoint = Endpoint(request["EndpointName"], config, models, "Creating", now, now)
        check_serverless_quotas(endpoint, self._registry.endpoints(), self._limits.now)
        where = self._registry.add_endpoint(endpoint)
        self._hosting.create(endpoint)
        return {"EndpointArn": where}

    def _describe_endpoint(self, request: Document) -> Document:
        endpoint = self._registry.endpoint(request["EndpointName"])
        return documents.endpoint_document(endpoint, self._region)

    def _list_endpoints(self, request: Document) -> Document:
        endpoints = self._registry.endpoints()
        summaries = [documents.endpoint_summary(item, self._region) for item in endpoints]
        return page(ENDPOINTS, summaries, request)

    def _update_endpoint(self, request: Document) -> Document:
        current = self._registry.endpoint(request["EndpointName"])
        where = arn(self._region, "endpoint", current.name)
        if current.status != "InService":
            raise validation_exception(f'Cannot update in-progress endpoint "{where}".')
        config = self._registry.config(request["EndpointConfigName"])
        check_conversion(current, config)
        updating = current.moved_to("Updating", self._clock.now())
        wanted = updating.running(config, self._models(config))
        check_serverless_quotas(wanted, self._registry.endpoints(), self._limits.now)
        self._registry.put_endpoint(updating)
        self._hosting.update(wanted)
        return {"EndpointArn": where}

    def _delete_endpoint(self, request: Document) -> Document:
        endpoint = self._registry.endpoint(request["EndpointName"])
        if endpoint.status in ("Creating", "Updating", "Deleting"):
            where = arn(self._region, "endpoint", endpoint.name)
            raise validation_exception(f'Cannot update in-progress endpoint "{where}".')
        if components := self._registry.components_of(endpoint.name):
            names = ", ".join(component.name for component in components)
            raise validation_exception(
                f"Endpoint {endpoint.name} has inference components: delete {names} first."
            )
        self._registry.put_endpoint(endpoint.moved_to("Deleting", self._clock.now()))
        self._hosting.delete(endpoint)
        return {}

    def _models(self, config: EndpointConfig) -> dict[str, Model]:
        """The model of each variant. Raises ApiError for one that doesn't exist or doesn't fit."""
        models = {
            variant.name: self._registry.model(variant.model_name)
            for variant in config.variants
            if variant.model_name
        }
        refuse_models(config, list(models.values()))
        return models
