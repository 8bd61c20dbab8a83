"""Jobs of several inference types side by side, as Markdown. Pure."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from benchmarks.aws import Function, Speeds
from benchmarks.billing import Seen, billed, dollars, lines, units_by_kind
from benchmarks.lambda_time import estimated_gb_seconds
from penstock.domain.pricing import DOLLARS_PER_MILLION, LAMBDA_DOLLARS_PER_GB_SECOND

BASE = "asynchronous"
"""What the others are compared with, if it is among them."""

SIDE_BY_SIDE = 10
"""Real-time calls that wait at the same time in one function: a full batch."""

INVOKE_MODEL = "InvokeModelFunction"
BY_SAGEMAKER = {
    "answers_written": "s3 PutObject",
    "inputs_read": "s3 GetObject",
    "notifications_sent": "sns Publish",
}
_RARE = 0.005
_GB_SECONDS = "GB-s"
_PER_GB_SECOND = LAMBDA_DOLLARS_PER_GB_SECOND * 1e6


Figures = Mapping[tuple[str, str], float]


@dataclass(frozen=True)
class Measured:
    """Four jobs of one type: two that were timed, two whose requests were counted."""

    one_chunk: Seen
    large: Seen
    few: Seen
    many: Seen
    functions: Mapping[str, Function] = field(repr=False)

    @cached_property
    def amounts(self) -> dict[str, float]:
        """What a chunk is billed for: requests, units, and Lambda's time as estimated for AWS."""
        found = lines((self.few.chunks, billed(self.few)), (self.many.chunks, billed(self.many)))
        requests = {name: max(0.0, line.per_chunk) for name, line in found.items()}
        compute = estimated_gb_seconds(self.many, self.large, self.functions, Speeds())
        return {**requests, _GB_SECONDS: sum(compute.values())}

    @cached_property
    def costs(self) -> dict[str, float]:
        """Dollars for a million chunks."""
        return dollars(self.amounts, DOLLARS_PER_MILLION | {_GB_SECONDS: _PER_GB_SECOND})

    @property
    def dollars_per_model_second(self) -> float:
        """More for a million chunks, if the model takes a second longer for each call."""
        calls = self.requests.get((INVOKE_MODEL, "sagemaker InvokeEndpoint"), 0.0)
        memory = self.functions[INVOKE_MODEL.removesuffix("Function")].gigabytes
        return calls * memory / SIDE_BY_SIDE * _PER_GB_SECOND

    @cached_property
    def units(self) -> Figures:
        """DynamoDB's for a chunk, by what is read or written."""
        return self._of_a_chunk(units_by_kind)

    @cached_property
    def requests(self) -> Figures:
        """A chunk's, by who makes them and what they are."""
        return self._of_a_chunk(_requests)

    def _of_a_chunk(self, count: Callable[[Seen], Figures]) -> Figures:
        few, many = ((seen.chunks, count(seen)) for seen in (self.few, self.many))
        return {name: line.per_chunk for name, line in lines(few, many).items()}


def _requests(seen: Seen) -> Counter[tuple[str, str]]:
    counts = Counter(
        (each.caller, f"{each.operation.service} {each.operation.name}") for each in seen.exchanges
    )
    own = {("SageMaker", name): seen.inferences[what] for what, name in BY_SAGEMAKER.items()}
    return counts + Counter(own)


Types = Mapping[str, Measured]


def report(types: Types) -> Iterator[str]:
    """All tables, line by line."""
    yield from times(types)
    yield from invocations(types, "one chunk", lambda each: each.one_chunk)
    yield from invocations(types, "the large file", lambda each: each.large)
    yield from figures_of_a_chunk(
        types, "Requests of a chunk", "by and what", lambda each: each.requests, _request
    )
    yield from figures_of_a_chunk(
        types, "DynamoDB's units for a chunk", "of what", lambda each: each.units, _unit
    )
    yield from costs_of_a_million(types)


def times(types: Types) -> Iterator[str]:
    base = types.get(BASE, next(iter(types.values()))).large.seconds
    chunks = next(iter(types.values())).large.chunks
    yield from _head("Wall time", ["one chunk, s", f"{chunks} chunks, s", f"to {BASE}"])
    for name, each in types.items():
        ratio = each.large.seconds / base
        yield _row(
            name, [f"{each.one_chunk.seconds:.2f}", f"{each.large.seconds:.1f}", f"{ratio:.2f}"]
        )


def invocations(types: Types, what: str, job: Callable[[Measured], Seen]) -> Iterator[str]:
    """Without those of the sweep, which belong to no job."""
    names = [f"{name}Function" for name in next(iter(types.values())).functions]
    yield from _head(f"Lambda invocations, {what}", [*map(_snake, names), "all"])
    for name, each in types.items():
        uses = job(each).functions
        counts = [uses[function].invocations if function in uses else 0 for function in names]
        yield _row(name, [*(str(count or "") for count in counts), str(sum(counts))])


def figures_of_a_chunk(
    types: Types,
    title: str,
    corner: str,
    figures: Callable[[Measured], Figures],
    label: Callable[[str, str], str],
) -> Iterator[str]:
    yield from _head(title, list(types), corner)
    of_types = [figures(each) for each in types.values()]
    for key in sorted({key for each in of_types for key in each}):
        amounts = [each.get(key, 0.0) for each in of_types]
        if max(amounts) >= _RARE:
            yield _row(label(*key), [_figure(amount) for amount in amounts])


def _request(caller: str, what: str) -> str:
    return f"{_snake(caller)}: {what}"


def _unit(kind: str, name: str) -> str:
    return f"{kind}: {name.removeprefix('dynamodb_').replace('_', ' ')}s"


def costs_of_a_million(types: Types) -> Iterator[str]:
    names = [*DOLLARS_PER_MILLION, _GB_SECONDS]
    yield from _head("What a chunk is billed for", names)
    for name, each in types.items():
        yield _row(name, [_figure(each.amounts.get(quantity, 0.0)) for quantity in names])
    yield from _head("Dollars for a million chunks", [*names, "all", "a second of the model more"])
    for name, each in types.items():
        sums = [sum(each.costs.values()), each.dollars_per_model_second]
        costs = [each.costs.get(quantity, 0.0) for quantity in names]
        yield _row(name, [f"{cost:.2f}" if cost >= _RARE else "" for cost in (*costs, *sums)])


def _head(title: str, columns: Sequence[str], first: str = "type") -> Iterator[str]:
    yield f"\n{title}\n"
    yield _row(first, columns)
    yield f"| --- |{' ---: |' * len(columns)}"


def _row(first: str, others: Sequence[str]) -> str:
    return f"| {' | '.join([first, *others])} |"


def _figure(amount: float) -> str:
    """Two decimals, or two digits of what is small."""
    if amount < _RARE / 100:
        return ""
    return f"{amount:.2f}" if amount >= 0.1 else f"{amount:.2g}"  # noqa: PLR2004


def _snake(name: str) -> str:
    """`InvokeModelFunction` is `invoke_model` everywhere else."""
    words = name.removesuffix("Function")
    if words == "SageMaker":
        return words
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in words).lstrip("_")
