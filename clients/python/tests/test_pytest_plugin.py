"""The fixtures of the pytest plugin, in test suites of their own."""

from __future__ import annotations

import pytest

from iluma_sandbox.pytest_plugin import world_name

PRODUCT = """
import json, urllib.request

def ask(world):
    request = urllib.request.Request(
        world.url + "/v1.1/identity/bank_account_data_requests",
        data=b'{"bank_account_number": "1234567890", "bank_code": "BCA"}',
        headers={"authorization": world.authorization, "content-type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
"""


def test_each_test_has_a_world_of_its_own_in_the_sandbox_of_the_session(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        PRODUCT
        + """
seen = []

def test_one(iluma_world, iluma_sandbox):
    seen.append((iluma_sandbox.pid, iluma_world.api_key, ask(iluma_world)["id"]))

def test_two(iluma_world, iluma_sandbox):
    assert iluma_world.requests() == []
    seen.append((iluma_sandbox.pid, iluma_world.api_key, ask(iluma_world)["id"]))
    (pid, *first), (same_pid, *second) = seen
    assert pid == same_pid
    assert first[0] != second[0] and first[1] != second[1]

def test_worlds_end_with_their_tests(iluma_sandbox):
    there = iluma_sandbox.control.call("GET", "worlds")["worlds"]
    assert [world["name"] for world in there if world["name"]] == []
"""
    )
    pytester.runpytest_subprocess("-q").assert_outcomes(passed=3)


def test_a_test_that_is_run_again_gets_the_same_ids(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PRODUCT + "def test_it(iluma_world):\n    print('id', ask(iluma_world)['id'])\n")
    runs = [pytester.runpytest_subprocess("-q", "-s").stdout.lines for _ in range(2)]
    ids = [[line for line in lines if "id bknv_" in line] for lines in runs]
    assert ids[0] == ids[1] != []


def test_a_failed_test_shows_what_its_world_was_asked(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        PRODUCT + "def test_it(iluma_world):\n    ask(iluma_world)\n    iluma_world.verify(status=500)\n"
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E *NotVerified: *",
            "E *status: expected 500, received 200",
            "*- iluma-sandbox -*",
            "world *, 1 requests, newest first",
            "POST /v1.1/identity/bank_account_data_requests → 200 *",
        ]
    )


def test_the_options_of_the_sandbox_are_a_fixture(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
import pytest

@pytest.fixture(scope="session")
def iluma_sandbox_options():
    return {"clock": "2026-05-01T00:00:00Z"}
"""
    )
    pytester.makepyfile("def test_it(iluma_world):\n    assert iluma_world.now() == '2026-05-01T00:00:00.000Z'\n")
    pytester.runpytest_subprocess("-q").assert_outcomes(passed=1)


def test_a_node_id_that_is_too_long_for_a_name_ends_in_its_hash() -> None:
    long, longer = "test[" + "x" * 300 + "]", "test[" + "x" * 301 + "]"
    assert world_name("tests/test_a.py::test") == "tests/test_a.py::test"
    assert len(world_name(long)) == 200
    assert world_name(long) != world_name(longer)
