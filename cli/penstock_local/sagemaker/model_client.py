"""An invocation of a container: exactly the headers that SageMaker passes on, and its rules."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import IO

import aiohttp

# Up to here a payload stays in memory, beyond it goes through a temporary file.
IN_MEMORY_BYTES = 8 * 1024 * 1024
_BLOCK_BYTES = 256 * 1024
_RESPONSE_HEADER_BYTES = 4096
# The service allows 250 ms to accept the socket. A busy laptop needs more.
_CONNECT_SECONDS = 2.0
_OWN_HEADERS_ONLY = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")

Spool = IO[bytes]


class ModelCallError(Exception):
    """A container that gave no answer of use."""

    def __init__(self, container: str, text: str = "") -> None:
        super().__init__(text)
        self.container = container


class ModelUnreachableError(ModelCallError):
    """No answer: the connection was refused or broke off."""


class ModelTimedOutError(ModelCallError):
    """No complete answer within the time allowed."""


class ModelAnswerError(ModelCallError):
    """An answer that the service doesn't accept; the message is the service's own."""


@dataclass(frozen=True)
class Address:
    """Where to call, and the container's name for messages."""

    url: str
    container: str


@dataclass(frozen=True)
class ModelCall:
    """What a container gets to see of an invocation, and where within the instance it goes.

    `container` None: through all of them, one after the other. `chunked`: the request has no
    Content-Length.
    """

    headers: Mapping[str, str]
    body: Spool
    target_model: str | None = None
    container: str | None = None
    chunked: bool = False


@dataclass(frozen=True)
class Answer:
    status: int
    content_type: str | None
    custom_attributes: str | None
    body: Spool
    container: str


@dataclass(frozen=True)
class Rules:
    seconds: float
    maximum_bytes: int
    require_length: bool


def new_spool() -> Spool:
    return tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)


def size_of(spool: Spool) -> int:
    position = spool.tell()
    size = spool.seek(0, 2)
    spool.seek(position)
    return size


async def invoke(
    session: aiohttp.ClientSession, address: Address, call: ModelCall, rules: Rules
) -> Answer:
    """Raises ModelCallError: ModelUnreachableError, ModelTimedOutError or ModelAnswerError."""
    try:
        async with asyncio.timeout(rules.seconds):
            return await _exchange(session, address, call, rules)
    except TimeoutError as error:
        raise ModelTimedOutError(address.container) from error
    except (aiohttp.ClientError, OSError) as error:
        raise ModelUnreachableError(address.container, str(error)) from error


async def _exchange(
    session: aiohttp.ClientSession, address: Address, call: ModelCall, rules: Rules
) -> Answer:
    size = size_of(call.body)
    length = {} if call.chunked else {"Content-Length": str(size)}
    async with session.post(
        address.url,
        data=_payload(call.body, size, chunked=call.chunked),
        headers={**call.headers, **length},
        skip_auto_headers=_OWN_HEADERS_ONLY,
        allow_redirects=False,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
    ) as response:
        _check_headers(response, address.container, rules)
        return Answer(
            status=response.status,
            content_type=response.headers.get("Content-Type"),
            custom_attributes=response.headers.get("X-Amzn-SageMaker-Custom-Attributes"),
            body=await _read(response, address.container, rules.maximum_bytes),
            container=address.container,
        )


def _payload(body: Spool, size: int, *, chunked: bool) -> bytes | AsyncIterator[bytes]:
    """What has no length is sent in chunks."""
    body.seek(0)
    return body.read() if size <= IN_MEMORY_BYTES and not chunked else _blocks(body)


async def _blocks(body: Spool) -> AsyncIterator[bytes]:
    while block := body.read(_BLOCK_BYTES):
        yield block


def _check_headers(response: aiohttp.ClientResponse, container: str, rules: Rules) -> None:
    size = sum(len(name) + len(value) + 4 for name, value in response.raw_headers)
    if size > _RESPONSE_HEADER_BYTES:
        raise ModelAnswerError(
            container,
            f"Response received from the {container} container has headers with length greater "
            "than 4096 bytes. Reduce the length of your container's response headers and update "
            "your endpoint.",
        )
    if rules.require_length and response.content_length is None:
        raise ModelAnswerError(
            container,
            f"The response from container {container} did not specify the required "
            "Content-Length header",
        )


async def _read(response: aiohttp.ClientResponse, container: str, maximum_bytes: int) -> Spool:
    spool = new_spool()
    try:
        await _pour(response, spool, maximum_bytes)
    except OverflowError as error:
        spool.close()
        raise ModelAnswerError(
            container,
            f"The response from container {container} is larger than {maximum_bytes} bytes",
        ) from error
    except BaseException:  # also a cancellation: the temporary file goes, the error stays
        spool.close()
        raise
    spool.seek(0)
    return spool


async def _pour(response: aiohttp.ClientResponse, spool: Spool, maximum_bytes: int) -> None:
    """Raises OverflowError for a body that is too large."""
    async for block in response.content.iter_chunked(_BLOCK_BYTES):
        spool.write(block)
        if spool.tell() > maximum_bytes:
            raise OverflowError
