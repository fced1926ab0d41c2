"""The pytest plugin: one sandbox a session, one world a test."""

from __future__ import annotations

import hashlib
from typing import Any, Generator, Iterator

import pytest

from .errors import SandboxError
from .sandbox import Sandbox
from .world import World

#: What the sandbox takes as the name of a world.
_NAME_CHARACTERS_MAX = 200
#: How many requests a failed test shows.
_SHOWN_MAX = 20


@pytest.fixture(scope="session")
def iluma_sandbox_options() -> dict[str, Any]:
    """What `Sandbox.start` is called with; override it in a ``conftest.py``."""
    return {}


@pytest.fixture(scope="session")
def iluma_sandbox(iluma_sandbox_options: dict[str, Any]) -> Iterator[Sandbox]:
    """A sandbox for the whole session (with pytest-xdist, of each worker)."""
    with Sandbox.start(**iluma_sandbox_options) as sandbox:
        yield sandbox


@pytest.fixture
def iluma_world(iluma_sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[World]:
    """A world that is the test's own, named by its node id: the same ids in every run."""
    # A test that is run again (or whose last run was torn away from a sandbox that stayed) begins anew.
    with iluma_sandbox.world(world_name(request.node.nodeid), reset=True) as world:
        yield world


def world_name(node_id: str) -> str:
    """A node id as the name of a world; one that is too long ends in its hash."""
    if len(node_id) <= _NAME_CHARACTERS_MAX:
        return node_id
    digest = hashlib.sha256(node_id.encode()).hexdigest()[:16]
    return f"{node_id[: _NAME_CHARACTERS_MAX - 18]}… {digest}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Shows, where a test failed, what its world was asked."""
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
