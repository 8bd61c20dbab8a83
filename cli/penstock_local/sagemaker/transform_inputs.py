"""Which objects a transform job reads, and what their outputs are called. Pure."""

import json
from dataclasses import dataclass
from typing import Any

from penstock_local.sagemaker.locations import Location, join, parse


@dataclass(frozen=True)
class Source:
    """One input object and the place of its output."""

    location: Location
    output_url: str

    @property
    def label(self) -> str:
        """As the service's logs call it."""
        return f"{self.location.bucket}/{self.location.key}"


@dataclass(frozen=True)
class Manifest:
    prefix: Location
    names: tuple[str, ...]


class ManifestError(ValueError):
    """What is no manifest; the message says why."""


def of_prefix(prefix: Location, keys: list[str], output_path: str) -> list[Source]:
    """`keys` are all that begin with the prefix, in their order: longer names too."""
    return [
        Source(Location(prefix.bucket, key), output_url(output_path, relative(prefix.key, key)))
        for key in keys
    ]


def of_manifest(manifest: Manifest, output_path: str) -> list[Source]:
    base = manifest.prefix
    return [
        Source(Location(base.bucket, f"{base.key}{name}"), output_url(output_path, name))
        for name in manifest.names
    ]


def relative(prefix: str, key: str) -> str:
    """The key as seen from the prefix.

    Documented is only an example that contradicts itself; this is what is seen in practice.
    """
    if prefix.endswith("/") or key.startswith(f"{prefix}/"):
        return key.removeprefix(prefix).lstrip("/")
    # The prefix is a whole key, or the beginning of a name: seen from its folder.
    folder = prefix.rpartition("/")[0]
    return key.removeprefix(folder).lstrip("/")


def output_url(output_path: str, name: str) -> str:
    return join(output_path, f"{name}.out")


def parse_manifest(content: bytes) -> Manifest:
    """`[{"prefix": "s3://bucket/prefix/"}, "name", …]`. Raises ManifestError."""
    try:
        document = json.loads(content)
    except ValueError as error:
        raise ManifestError("it is no JSON") from error
    if not isinstance(document, list) or len(document) < 2:  # noqa: PLR2004 - prefix and a name
        raise ManifestError('it is no list of {"prefix": …} and names')
    first, *names = document
    if not all(isinstance(name, str) and name for name in names):
        raise ManifestError("a name is no string")
    return Manifest(_prefix(first), tuple(names))


def _prefix(first: Any) -> Location:
    if not isinstance(first, dict) or set(first) != {"prefix"}:
        raise ManifestError('it does not begin with {"prefix": …}')
    try:
        return parse(str(first["prefix"]))
    except ValueError as error:
        raise ManifestError(str(error)) from error
