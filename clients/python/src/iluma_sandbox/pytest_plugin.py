"""The pytest plugin: one sandbox for each session, one world for each test."""

from __future__ import annotations

import hashlib
from typing import Any, Generator, Iterator, Optional

import pytest

from .errors import SandboxError
from .sandbox import Sandbox
from .world import World

#: The maximum length of a world's name.
_NAME_CHARACTERS_MAX = 200
#: The world of a test that must leave nothing unused.
_STRICT_WORLD = pytest.StashKey[Optional[World]]()


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
def iluma_fail_on_unused() -> bool:
    """Whether a test fails that leaves something unused in its world, as `World.verify_used` says.

    Override this fixture in a ``conftest.py`` or a test module.
    """
    return False


@pytest.fixture
def iluma_world(
    iluma_sandbox: Sandbox, iluma_fail_on_unused: bool, request: pytest.FixtureRequest
) -> Iterator[World]:
    """The world of the test. Its name is the node id of the test, so ids are the same in every run."""
    # A test that runs again starts with an empty world, even if its last run was aborted and the sandbox still runs.
    with iluma_sandbox.world(world_name(request.node.nodeid), reset=True) as world:
        request.node.stash[_STRICT_WORLD] = world if iluma_fail_on_unused else None
        yield world


def world_name(node_id: str) -> str:
    """The name of a world for a node id. If the id is too long, the name ends with its hash."""
    if len(node_id) <= _NAME_CHARACTERS_MAX:
        return node_id
    digest = hashlib.sha256(node_id.encode()).hexdigest()[:16]
    return f"{node_id[: _NAME_CHARACTERS_MAX - 18]}… {digest}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, None]:
    """Lets a test fail that left something unused. A test that failed already does not fail twice."""
    outcome = yield
    world = item.stash.get(_STRICT_WORLD, None)
    if world is None or outcome.excinfo is not None:
        return
    try:
        world.verify_used()
    except SandboxError as unused:
        # Without the lines of this file: the sentences say what is wrong.
        outcome.force_exception(pytest.fail.Exception(str(unused), pytrace=False))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Shows the latest requests and callbacks of a failed test's world."""
    outcome = yield
    report = outcome.get_result()
    world = getattr(item, "funcargs", {}).get("iluma_world")
    if report.when != "call" or not report.failed or not isinstance(world, World):
        return
    try:
        summary = world.summary()
    except SandboxError as error:
        summary = str(error)
    report.sections.append(("iluma-sandbox", summary))
