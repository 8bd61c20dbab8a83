"""Object locations, as `s3://` and as `https://` in both styles. Pure."""

from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit


@dataclass(frozen=True)
class Location:
    bucket: str
    key: str


def parse(url: str) -> Location:
    """Raises ValueError for what is no S3 location."""
    parts = urlsplit(url)
    if parts.scheme == "s3":
        # Not parts.path: a key may hold `?` and `#`, which are part of it in an s3:// URI.
        bucket, _, key = url.removeprefix("s3://").partition("/")
        return Location(bucket, key)
    if parts.scheme != "https" or not parts.hostname:
        raise ValueError(f"no S3 location: {url}")
    path = unquote(parts.path).lstrip("/")
    bucket, dot_s3, _ = parts.hostname.partition(".s3")
    if dot_s3:
        return Location(bucket, path)
    bucket, _, key = path.partition("/")
    return Location(bucket, key)


def join(base: str, *segments: str | None) -> str:
    """One object's URL under `base`, in the same scheme."""
    given = [segment.strip("/") for segment in segments if segment]
    if base.startswith("https:"):
        given = [quote(segment) for segment in given]
    return "/".join([base.rstrip("/"), *given])
