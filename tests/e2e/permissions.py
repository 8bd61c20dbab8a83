"""Which permissions of a stack's functions no test has used; several stacks may share the tests."""

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from examples.local_endpoint import client
from penstock_local.layout import Layout
from tests.e2e.harness import Stack
from tests.template.grants import Deployed, Grant, deployed, read_uses, unexplained
from tests.template.model import Template, target


def unused_of(stack: Stack, layout: Layout) -> set[Grant]:
    """Those that have no reason for it, either."""
    return set(unexplained(_deployed_grants(stack), read_uses(layout.permissions)))


def _deployed_grants(stack: Stack) -> Iterator[Deployed]:
    template = Template.load()
    with closing(client(stack.document, "iam")) as iam:
        for function, properties in template.functions.items():
            logical = target(properties["Role"])
            role = stack.physical_name(logical)
            for policy in template.properties(logical)["Policies"]:
                found = iam.get_role_policy(RoleName=role, PolicyName=policy["PolicyName"])
                yield from deployed(function, role, policy, found)


@dataclass(frozen=True)
class Unused:
    """What each process of a run has left unused; kept until somebody has looked."""

    folder: Path

    def clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def note(self, process: str, grants: set[Grant], *, whole: bool) -> None:
        """`whole`: no test has failed in the process, and none was left out."""
        self.folder.mkdir(parents=True, exist_ok=True)
        document = {"whole": whole, "unused": [asdict(grant) for grant in sorted(grants)]}
        (self.folder / f"{process}.json").write_text(json.dumps(document))

    def taken(self) -> list[set[Grant]] | None:
        """Of each process; None if that says nothing."""
        found = [json.loads(path.read_text()) for path in self.folder.glob("*.json")]
        self.clear()
        if not found or not all(each["whole"] for each in found):
            return None
        return [{Grant(**grant) for grant in each["unused"]} for each in found]
