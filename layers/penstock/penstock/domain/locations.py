"""Where SageMaker says that an object lies, and where answers may lie."""

import re
from urllib.parse import unquote, urlsplit

from penstock.domain.errors import PermanentError

_VIRTUAL_HOST = re.compile(r"(?P<bucket>.+)\.s3[.-][^/]*amazonaws\.com(?:\.cn)?\Z")


def parse_location(location: str) -> tuple[str, str]:
    """Bucket and key of `s3://bucket/key` or `https://bucket.s3.region.amazonaws.com/key`.

    A notification spells a location as the endpoint's configuration spelled its output path.

    Raises:
        PermanentError: `BadLocation`.
    """
    try:
        parts = urlsplit(location)
    except ValueError as error:
        raise PermanentError("BadLocation", f"not a location: {location!r:.200}") from error
    if parts.scheme == "s3" and parts.netloc:
        # Not `parts.path`: in an s3 location `?` and `#` belong to the key.
        return parts.netloc, location.removeprefix(f"s3://{parts.netloc}/")
    host = _VIRTUAL_HOST.match(parts.netloc)
    if parts.scheme == "https" and host:
        return host["bucket"], unquote(parts.path.removeprefix("/"))
    if parts.scheme == "https" and parts.netloc.startswith("s3"):
        bucket, _, key = unquote(parts.path.removeprefix("/")).partition("/")
        return bucket, key
    raise PermanentError("BadLocation", f"not the location of an S3 object: {location!r:.200}")


def parse_answer_location(location: str, work_bucket: str) -> tuple[str, str]:
    """Bucket and key of an answer, which SageMaker writes to one place only for each kind.

    Whoever may publish to the endpoints' topics could name any object; none but answers are read.

    Raises:
        PermanentError: `BadLocation`, it is no place for answers.
    """
    bucket, key = parse_location(location)
    folders = key.split("/")
    is_answer = folders[0] == "async" and len(folders) > 2 and folders[1] != "input"  # noqa: PLR2004
    # transform/<job>/out/<transform job>/...
    is_answer |= folders[0] == "transform" and len(folders) > 4 and folders[2] == "out"  # noqa: PLR2004
    if bucket != work_bucket or not is_answer or ".." in folders:
        message = f"no place for answers of this stack: {location!r:.200}"
        raise PermanentError("BadLocation", message)
    return bucket, key
