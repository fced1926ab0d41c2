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
            "world * at 2026-01-01T00:00:00.000Z",
            "1 request:",
            "  *-1  POST /v1.1/identity/bank_account_data_requests → 200 *",
        ]
    )


def test_a_failed_test_shows_a_callback_that_waits_for_the_clock(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        PRODUCT
        + """
def test_it(iluma_world):
    iluma_world.call("GET", "callback_urls")
    url = iluma_world.inbox().url
    body = json.dumps({"type": "NAME_VALIDATOR_REQUEST", "url": url}).encode()
    headers = {"authorization": iluma_world.authorization, "content-type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(iluma_world.url + "/v1/callback/urls", body, headers)):
        pass
    iluma_world.next("v1.1/bank_account_data_requests", "PENDING_THEN_COMPLETED_FOUND")
    ask(iluma_world)
    assert iluma_world.deliveries(state="delivered") != []
"""
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "1 callback:",
            "  dlv_1  NAME_VALIDATOR_REQUEST is still pending until 2026-01-01T00:00:01.000Z, in 1s; advance the clock*",
        ]
    )


def test_a_strict_suite_fails_a_test_that_leaves_something_unused_and_no_test_twice(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeconftest("import pytest\n@pytest.fixture\ndef iluma_fail_on_unused():\n    return True\n")
    pytester.makepyfile(
        """
def test_leaves_an_outcome(iluma_world):
    iluma_world.next("v1.1/bank_account_data_requests", "SERVER_ERROR")

def test_fails_by_itself(iluma_world):
    iluma_world.next("v1.1/bank_account_data_requests", "SERVER_ERROR")
    assert False, "by itself"

def test_leaves_nothing(iluma_world):
    pass

def test_without_a_world():
    pass
"""
    )
    result = pytester.runpytest_subprocess("-rf")
    result.assert_outcomes(failed=2, passed=2)
    result.stdout.fnmatch_lines(
        [
            "the test left things unused: 1 queued outcome, 0 faults and 0 callbacks",
            "  outcome SERVER_ERROR is queued for v1.1/bank_account_data_requests, *",
            "E *AssertionError: by itself",
            "FAILED *::test_leaves_an_outcome*",
            "FAILED *::test_fails_by_itself*",
        ]
    )


def test_a_suite_that_did_not_ask_for_it_may_leave_things_unused(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "def test_it(iluma_world):\n    iluma_world.next('v1.1/bank_account_data_requests', 'SERVER_ERROR')\n"
    )
    pytester.runpytest_subprocess("-q").assert_outcomes(passed=1)


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
