import asyncio
from dataclasses import replace

from penstock_local.sagemaker.backlog import Backlog
from penstock_local.sagemaker.invocations import AsyncInvocation

INVOCATION = AsyncInvocation("e", "1", {"RequestTTLSeconds": 60}, b"a", 1000.0, "s3://b/o", None)


def test_invocations_are_taken_in_the_order_of_arrival():
    async def scenario() -> list[str]:
        backlog = Backlog()
        for name in ("1", "2"):
            backlog.put(replace(INVOCATION, inference_id=name))
        return [(await backlog.take()).inference_id for _ in range(2)]

    assert asyncio.run(scenario()) == ["1", "2"]


def test_what_is_put_back_is_taken_next():
    async def scenario() -> str:
        backlog = Backlog()
        for name in ("1", "2"):
            backlog.put(replace(INVOCATION, inference_id=name))
        backlog.put_back(await backlog.take())
        return (await backlog.take()).inference_id

    assert asyncio.run(scenario()) == "1"


def test_expired_invocations_are_removed_at_their_limit_and_never_taken():
    async def scenario() -> tuple[int, list[str], str]:
        backlog = Backlog()
        backlog.put(INVOCATION)
        backlog.put(replace(INVOCATION, inference_id="2", received=1001.0))
        early = len(backlog.remove_expired(1059.9))
        expired = [found.inference_id for found in backlog.remove_expired(1060.0)]
        return early, expired, (await backlog.take()).inference_id

    assert asyncio.run(scenario()) == (0, ["1"], "2")


def test_a_cancelled_taker_takes_nothing():
    async def scenario() -> str:
        backlog = Backlog()
        taker = asyncio.create_task(backlog.take())
        await asyncio.sleep(0)
        backlog.put(INVOCATION)
        taker.cancel()
        await asyncio.gather(taker, return_exceptions=True)
        return (await asyncio.wait_for(backlog.take(), 1)).inference_id

    assert asyncio.run(scenario()) == "1"
