"""S3, SNS and the event bus for the server: boto3 calls in a bounded number of threads."""

import asyncio
import functools
import tarfile
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from penstock_local.sagemaker.event_bus import EventBus
from penstock_local.sagemaker.locations import parse
from penstock_local.sagemaker.model_client import IN_MEMORY_BYTES, Spool, new_spool, size_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient

_THREADS = 24
_BLOCK_BYTES = 1024 * 1024
_Result = TypeVar("_Result")
_FAILURES = (Boto3Error, BotoCoreError, ClientError, ValueError, OSError, tarfile.TarError)


class AwsError(Exception):
    """A call to AWS that failed after the SDK's own retries."""


class Aws:
    def __init__(self, endpoint_url: str, region: str) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="aws")
        config = Config(
            max_pool_connections=_THREADS,
            retries={"mode": "standard", "total_max_attempts": 3},
            s3={"addressing_style": "path"},
        )
        self._s3: S3Client = boto3.client(
            "s3", endpoint_url=endpoint_url, region_name=region, config=config
        )
        self._sns: SNSClient = boto3.client(
            "sns", endpoint_url=endpoint_url, region_name=region, config=config
        )
        self._bus = EventBus(
            boto3.client("events", endpoint_url=endpoint_url, region_name=region, config=config),
            boto3.client("sqs", endpoint_url=endpoint_url, region_name=region, config=config),
        )

    async def fetch(self, url: str, maximum_bytes: int | None) -> Spool:
        """Raises AwsError, also for an object larger than allowed. None: no limit."""
        return await self._run(self._fetch, url, maximum_bytes)

    async def store(self, url: str, body: Spool, extra: dict[str, Any]) -> None:
        """`extra` are PutObject parameters, such as ContentType."""
        await self._run(self._store, url, body, extra)

    async def keys(self, url: str) -> list[str]:
        """All that begin with the URL's key, in their order, without the markers of folders."""
        return await self._run(self._keys, url)

    async def publish(self, topic_arn: str, message: str) -> None:
        await self._run(self._publish, topic_arn, message)

    async def put_on_bus(self, event: dict[str, Any]) -> int:
        """Delivers the event to the queues of the rules that it matches; returns to how many."""
        return await self._run(self._bus.deliver, event)

    async def fetch_model(self, url: str, folder: Path) -> None:
        """Unpacks a model archive into the folder."""
        await self._run(self._fetch_model, url, folder)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, call: Callable[..., _Result], *arguments: Any) -> _Result:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, functools.partial(call, *arguments))
        except _FAILURES as error:
            raise AwsError(str(error)) from error

    def _fetch(self, url: str, maximum_bytes: int | None) -> Spool:
        location = parse(url)
        found = self._s3.get_object(Bucket=location.bucket, Key=location.key)
        if maximum_bytes is not None and found["ContentLength"] > maximum_bytes:
            raise AwsError(f"{url} is larger than {maximum_bytes} bytes")
        spool = new_spool()
        with closing(found["Body"]) as stream:
            for block in stream.iter_chunks(_BLOCK_BYTES):
                spool.write(block)
        return spool

    def _keys(self, url: str) -> list[str]:
        location = parse(url)
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=location.bucket, Prefix=location.key
        )
        found = [item for page in pages for item in page.get("Contents", [])]
        return [item["Key"] for item in found if item["Size"] or not item["Key"].endswith("/")]

    def _store(self, url: str, body: Spool, extra: dict[str, Any]) -> None:
        location = parse(url)
        body.seek(0)
        if size_of(body) <= IN_MEMORY_BYTES:
            self._s3.put_object(Bucket=location.bucket, Key=location.key, Body=body.read(), **extra)
        else:
            self._s3.upload_fileobj(body, location.bucket, location.key, ExtraArgs=extra)

    def _publish(self, topic_arn: str, message: str) -> None:
        self._sns.publish(TopicArn=topic_arn, Message=message)

    def _fetch_model(self, url: str, folder: Path) -> None:
        location = parse(url)
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Renamed at the end: a download that was given up leaves no half of a model behind.
        with tempfile.TemporaryDirectory(dir=folder.parent) as beside:
            archive, unpacked = Path(beside) / "model.tar.gz", Path(beside) / "model"
            self._s3.download_file(location.bucket, location.key, str(archive))
            with tarfile.open(archive) as packed:
                packed.extractall(unpacked, filter="data")
            unpacked.rename(folder)
