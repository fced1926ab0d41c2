"""The pytest plugin: one sandbox for each session, one world for each test."""

from __future__ import annotations

import hashlib
from typing import Any, Generator, Iterator

import pytest

from .errors import SandboxError
from .sandbox import Sandbox
from .world import World

#: The maximum length of a world's name.
_NAME_CHARACTERS_MAX = 200
#: The number of requests that a failed test shows.
_SHOWN_MAX = 20


@pytest.fixture(scope="session")
def iluma_sandbox_options() -> dict[str, Any]:
    """The arguments for `Sandbox.start`. Override this fixture in a ``conftest.py``."""
    return {}


@pytest.fixture(scope="session")
def iluma_sandbox(iluma_sandbox_options: dict[str, Any]) -> Iterator[Sandbox]:
    """A sandbox for the whole session (with pytest-xdist, for each worker)."""
    with Sandbox.start(**iluma_sandbox_options) as sandbox:
        yield sandbox


@pytest.fixture
def iluma_world(iluma_sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[World]:
    """The world of the test. Its name is the node id of the test, so ids are the same in every run."""
    # A test that runs again starts with an empty world, even if its last run was aborted and the sandbox still runs.
    with iluma_sandbox.world(world_name(request.node.nodeid), reset=True) as world:
        yield world


def world_name(node_id: str) -> str:
    """The name of a world for a node id. If the id is too long, the name ends with its hash."""
    if len(node_id) <= _NAME_CHARACTERS_MAX:
        return node_id
    digest = hashlib.sha256(node_id.encode()).hexdigest()[:16]
    return f"{node_id[: _NAME_CHARACTERS_MAX - 18]}… {digest}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Shows the requests of a failed test's world."""
    outcome = yield
    report = outcome.get_result()
    world = getattr(item, "funcargs", {}).get("iluma_world")
    if report.when != "call" or not report.failed or not isinstance(world, World):
        return
    try:
        asked = world.requests(limit=_SHOWN_MAX)
    except SandboxError as error:
        report.sections.append(("iluma-sandbox", str(error)))
        return
    lines = [f"world {world.tag}, {asked.matched} requests, newest first"]
    for one in asked:
        lines.append(
            f"{one['method']} {one['path']} → {one['status']} {one['outcome'] or ''} ({one['trace']})"
        )
    report.sections.append(("iluma-sandbox", "\n".join(lines)))
