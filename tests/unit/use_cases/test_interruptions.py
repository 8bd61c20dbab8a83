"""A function may die between any two calls, and any call may fail: the job ends the same."""

import json
from typing import Any

import pytest

from tests.unit.use_cases.interruptions import Interruption, Manner
from tests.unit.use_cases.scenarios import SCENARIOS, Scenario
from tests.unit.use_cases.world import World

_VARIES = ("timings", "attempts", "retries", "cost_estimate", "transform_jobs")
"""What more work may change."""


def interrupted(scenario: Scenario, interruption: Interruption) -> World:
    world = scenario.world(wrap=interruption.wrap)
    world.before_delivery = interruption.revive
    world.drop(scenario.key, scenario.body)
    return world.run()


def delivered(world: World, key: str) -> dict[str, Any]:
    """All that the user gets, without what the number of attempts and the time change."""
    keys = world.objects.keys("output")
    manifest = world.manifest(key)
    redrives = [_without(each, "at", "seconds") for each in manifest.get("redrives", [])]
    outputs = {
        name: (stored["key"], stored["size"]) for name, stored in manifest["outputs"].items()
    }
    bodies = {each: world.objects.body("output", each) for each in keys if each.endswith(".out")}
    errors = world.errors(key) if f"{key}.errors.jsonl" in keys else []
    return {
        "keys": keys,
        "manifest": _without(manifest, *_VARIES) | {"outputs": outputs, "redrives": redrives},
        "bodies": bodies,
        "errors": [_without(error, "attempts") for error in errors],
        "announced": {
            json.dumps([_without(summary, "seconds"), successful], sort_keys=True)
            for summary, successful in world.announcer.jobs
        },
    }


def manifests(world: World, key: str) -> set[str]:
    versions = world.objects.history["output", f"{key}.manifest.json"]
    documents = [_without(json.loads(each.body or b""), *_VARIES) for each in versions]
    # A redrive begins with the manifest that it replaces.
    last = [each for each in documents if "redrives" in each] or documents
    comparable = ({**each, "outputs": None, "redrives": None} for each in last)
    return {json.dumps(document, sort_keys=True) for document in comparable}


def _without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}


@pytest.mark.parametrize("manner", ["killed", "failed"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_job_ends_the_same_wherever_a_function_is_interrupted(name: str, manner: Manner) -> None:
    scenario = SCENARIOS[name]
    undisturbed = Interruption()
    expected = delivered(interrupted(scenario, undisturbed), scenario.output_key)
    borders = [
        number
        for number, name in enumerate(undisturbed.borders)
        if any(words in name for words in scenario.borders)
    ]
    assert len(borders) > 10

    for border in borders:
        interruption = Interruption(border, manner)
        world = interrupted(scenario, interruption)

        assert delivered(world, scenario.output_key) == expected, interruption.where
        assert len(manifests(world, scenario.output_key)) == 1, interruption.where
        assert world.dead_letters == [], interruption.where
        assert set(world.objects.uploads) <= _forgotten(world, interruption), interruption.where


def _forgotten(world: World, interruption: Interruption) -> set[str]:
    """The upload that nobody can abort any more; the bucket's lifecycle rule does."""
    beyond_reach = interruption.manner == "killed" or "begin_upload" in interruption.where
    return set(list(world.objects.uploads)[:1]) if beyond_reach else set()
