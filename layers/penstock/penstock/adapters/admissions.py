"""Permits in DynamoDB: an item for each lane of an endpoint, beside the jobs in their table.

    lane    ENDPOINT#<name>#<number>    LANE

A job has three attributes of it, named by its tag, so that one update adds to them without looking:
`h` permits held, `s` permits had in all, `t` when either last changed. The answers of a round are
added to `n`, `w` and `u`, of which there are two: who adds to a round that is just over does no
harm to the next. Names are short: an item with twenty jobs is still one write unit.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass
from typing import Any

from penstock.adapters.aws import translated
from penstock.adapters.items import Item
from penstock.domain.admission import Lane, Occupancy, Share
from penstock.domain.errors import PermanentError
from penstock.domain.pacing import Pace, Round
from penstock.ports import Change


@dataclass(frozen=True, slots=True)
class DynamoDbAdmissions:
    """Admissions over a DynamoDB client. Items expire `retention` seconds after the last write."""

    dynamodb: Any
    table: str
    now: Callable[[], float]
    retention: int

    def read(self, lane: Lane) -> Occupancy:
        with translated(self.table):
            answer = self.dynamodb.get_item(TableName=self.table, Key=lane_key(lane))
        return _occupancy(answer.get("Item", {}))

    def count(self, lane: Lane, tag: str, change: Change) -> Occupancy:
        added: dict[str, float] = {f"h{tag}": change.held, f"s{tag}": change.sent}
        if change.answered:
            added |= _round_fields(change.answered, change.number)
        added = {name: number for name, number in added.items() if number}
        item = self._update(lane, added, self._times(tag, change.at))
        return _occupancy(item)

    def put_pace(self, lane: Lane, pace: Pace) -> bool:
        values = {
            "pace": {"S": json.dumps(astuple(pace), separators=(",", ":"))},
            "r": {"N": str(pace.number)},
            **{name: {"N": "0"} for name in _round_fields(Round(), pace.number)},
            **self._expiry(),
        }
        # Nobody has written a first round: it is what everybody begins with.
        before = {":before": {"N": str(pace.number - 1)}} if pace.number > 1 else {}
        return self._unless_refused(
            lane,
            UpdateExpression=_set(values),
            ConditionExpression="#r = :before" if before else "attribute_not_exists(#r)",
            ExpressionAttributeNames=_names(values),
            ExpressionAttributeValues=_values(values) | before,
        )

    def forget(self, lane: Lane, tag: str, share: Share | None = None) -> None:
        names = [f"{kind}{tag}" for kind in "hst"]
        removal = {
            "UpdateExpression": "REMOVE " + ", ".join(f"#{name}" for name in names),
            "ExpressionAttributeNames": _names(names),
        }
        if share is not None:
            removal |= {
                "ConditionExpression": f"#h{tag} = :held AND #t{tag} = :at",
                "ExpressionAttributeValues": {
                    ":held": {"N": str(share.held)},
                    ":at": {"N": repr(share.changed_at)},
                },
            }
        self._unless_refused(lane, **removal)

    def _times(self, tag: str, at: float) -> Item:
        return {f"t{tag}": {"N": repr(at)}, **self._expiry()}

    def _expiry(self) -> Item:
        return {"expires_at": {"N": str(int(self.now()) + self.retention)}}

    def _update(self, lane: Lane, added: dict[str, float], written: Item) -> Item:
        numbers = {name: {"N": repr(number)} for name, number in added.items()}
        addition = "ADD " + ", ".join(f"#{name} :{name}" for name in numbers) if numbers else ""
        with translated(self.table):
            answer = self.dynamodb.update_item(
                TableName=self.table,
                Key=lane_key(lane),
                UpdateExpression=f"{addition} {_set(written)}",
                ExpressionAttributeNames=_names([*numbers, *written]),
                ExpressionAttributeValues=_values(numbers | written),
                ReturnValues="ALL_NEW",
            )
        item: Item = answer["Attributes"]
        return item

    def _unless_refused(self, lane: Lane, **request: Any) -> bool:
        try:
            with translated(self.table):
                self.dynamodb.update_item(TableName=self.table, Key=lane_key(lane), **request)
        except PermanentError as error:
            if error.code == "ConditionalCheckFailedException":
                return False
            raise
        return True


def lane_key(lane: Lane) -> Item:
    return {"pk": {"S": f"ENDPOINT#{lane.endpoint}#{lane.number}"}, "sk": {"S": "LANE"}}


def _round_fields(answered: Round, number: int) -> dict[str, float]:
    slot = number % 2
    return {
        f"n{slot}": answered.answers,
        f"w{slot}": round(answered.seconds, 3),
        f"u{slot}": answered.held,
    }


def _set(values: Iterable[str]) -> str:
    return "SET " + ", ".join(f"#{name} = :{name}" for name in values)


def _names(names: Iterable[str]) -> dict[str, str]:
    return {f"#{name}": name for name in names}


def _values(item: Item) -> Item:
    return {f":{name}": value for name, value in item.items()}


def _occupancy(item: Item) -> Occupancy:
    pace = Pace(*json.loads(item["pace"]["S"])) if "pace" in item else None
    answers, seconds, held = (
        _number(item, name) for name in _round_fields(Round(), pace.number if pace else 0)
    )
    answered = Round(int(answers), seconds, int(held))
    tags = [name[1:] for name in item if name.startswith("t")]
    return Occupancy(pace, answered, {tag: _share(item, tag) for tag in tags})


def _share(item: Item, tag: str) -> Share:
    held, sent, at = (_number(item, f"{kind}{tag}") for kind in "hst")
    return Share(int(held), int(sent), at)


def _number(item: Item, name: str) -> float:
    return float(item[name]["N"]) if name in item else 0.0
