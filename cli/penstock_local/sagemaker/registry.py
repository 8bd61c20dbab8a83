"""The resources by name, with the service's errors for what exists and what doesn't."""

from collections.abc import Iterable
from typing import TypeVar

from penstock_local.sagemaker.components import Component
from penstock_local.sagemaker.errors import ApiError, validation_exception
from penstock_local.sagemaker.resources import Endpoint, EndpointConfig, Model, arn
from penstock_local.sagemaker.storage import State, Storage

_WORDS = {
    "model": "model",
    "endpoint-config": "endpoint configuration",
    "endpoint": "endpoint",
    "inference-component": "inference component",
}
_Resource = TypeVar("_Resource", Model, EndpointConfig, Endpoint, Component)


class Registry:
    def __init__(self, storage: Storage, region: str) -> None:
        self._storage = storage
        self._region = region
        self._models: dict[str, Model] = {}
        self._configs: dict[str, EndpointConfig] = {}
        self._endpoints: dict[str, Endpoint] = {}
        self._components: dict[str, Component] = {}

    def load(self, now: float) -> None:
        """Reads the stored state. What then is Creating has to be started."""
        state = self._storage.load()
        self._models = _by_name(state.models)
        self._configs = _by_name(state.configs)
        self._endpoints = _by_name(restarted(state.endpoints, now))
        self._components = _by_name(restarted(state.components, now))
        self._save()

    def models(self) -> list[Model]:
        return list(self._models.values())

    def configs(self) -> list[EndpointConfig]:
        return list(self._configs.values())

    def endpoints(self) -> list[Endpoint]:
        return list(self._endpoints.values())

    def components(self) -> list[Component]:
        return list(self._components.values())

    def components_of(self, endpoint_name: str) -> list[Component]:
        return [item for item in self.components() if item.endpoint_name == endpoint_name]

    def model(self, name: str) -> Model:
        return self._get(self._models, "model", name)

    def config(self, name: str) -> EndpointConfig:
        return self._get(self._configs, "endpoint-config", name)

    def endpoint(self, name: str) -> Endpoint:
        return self._get(self._endpoints, "endpoint", name)

    def component(self, name: str) -> Component:
        return self._get(self._components, "inference-component", name)

    def find_component(self, name: str) -> Component | None:
        return self._components.get(name)

    def find_endpoint(self, name: str) -> Endpoint | None:
        return self._endpoints.get(name)

    def add_model(self, model: Model) -> str:
        return self._add(self._models, "model", model)

    def add_config(self, config: EndpointConfig) -> str:
        return self._add(self._configs, "endpoint-config", config)

    def add_endpoint(self, endpoint: Endpoint) -> str:
        return self._add(self._endpoints, "endpoint", endpoint)

    def add_component(self, component: Component) -> str:
        return self._add(self._components, "inference-component", component)

    def remove_model(self, name: str) -> None:
        self.model(name)
        del self._models[name]
        self._save()

    def remove_config(self, name: str) -> None:
        self.config(name)
        del self._configs[name]
        self._save()

    def put_endpoint(self, endpoint: Endpoint) -> None:
        self._endpoints[endpoint.name] = endpoint
        self._save()

    def drop_endpoint(self, name: str) -> None:
        self._endpoints.pop(name, None)
        self._save()

    def put_component(self, component: Component) -> None:
        self._components[component.name] = component
        self._save()

    def drop_component(self, name: str) -> None:
        self._components.pop(name, None)
        self._save()

    def _get(self, kind_of: dict[str, _Resource], kind: str, name: str) -> _Resource:
        if name not in kind_of:
            where = arn(self._region, kind, name)
            raise validation_exception(f'Could not find {_WORDS[kind]} "{where}".')
        return kind_of[name]

    def _add(self, kind_of: dict[str, _Resource], kind: str, resource: _Resource) -> str:
        where = arn(self._region, kind, resource.name)
        if resource.name in kind_of:
            raise _exists(kind, where)
        kind_of[resource.name] = resource
        self._save()
        return where

    def _save(self) -> None:
        self._storage.save(
            State(self.models(), self.configs(), self.endpoints(), self.components())
        )


def _exists(kind: str, where: str) -> ApiError:
    return validation_exception(f'Cannot create already existing {_WORDS[kind]} "{where}".')


_Running = TypeVar("_Running", Endpoint, Component)


def restarted(found: list[_Running], now: float) -> list[_Running]:
    """What they are once the server has come back: their model servers have to start again."""
    return [
        item if item.status == "Failed" else item.moved_to("Creating", now)
        for item in found
        if item.status != "Deleting"
    ]


def _by_name(resources: Iterable[_Resource]) -> dict[str, _Resource]:
    return {resource.name: resource for resource in resources}
