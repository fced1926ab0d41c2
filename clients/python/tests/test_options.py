"""No option is left out silently."""

from __future__ import annotations

from typing import Any

import pytest

from iluma_sandbox import World
from product import BANK


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        ("verify", {"endpoint": BANK, "atleast": 3}, "`atleast` of verify: did you mean `at_least`?"),
        ("verify", {"endpoint": BANK, "atLeast": 3}, "`atLeast` of verify: did you mean `at_least`?"),
        ("verify", {"endpont": BANK}, "`endpont` of verify: did you mean `endpoint`?"),
        ("verify", {"bodies": {}}, "`bodies` of verify: did you mean `body`?"),
        ("verify", {"in_order": [{}, {"endpont": BANK}]}, "`endpont` of verify.in_order[1]: did you mean `endpoint`?"),
        ("requests", {"endpont": BANK}, "`endpont` of requests: did you mean `endpoint`?"),
        ("requests", {"before": 1}, "`before` of requests: did you mean `before_seq`?"),
        ("wait_for", {"counts": 2}, "`counts` of wait_for: did you mean `count`?"),
    ],
)
def test_an_unknown_option_is_refused_with_the_nearest(
    iluma_world: World, function: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(TypeError) as refused:
        getattr(iluma_world, function)(**options)
    assert str(refused.value) == f"unknown option {message}"


def test_an_unknown_key_of_a_fault_is_refused_with_the_nearest(iluma_world: World) -> None:
    misspelt: Any = {"endpiont": BANK, "fault": 503}
    with pytest.raises(TypeError) as refused:
        iluma_world.faults({"fault": 503}, misspelt)
    assert str(refused.value) == "unknown option `endpiont` of faults[1]: did you mean `endpoint`?"


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        ("verify", {"endpoint": None, "exactly": 0}, "`endpoint` of verify is None: leave it out, or give it a value"),
        ("requests", {"body": "x"}, "`body` of requests takes a mapping, and not 'x'"),
        ("wait_for", {"headers": None}, "`headers` of wait_for takes a mapping, and not None"),
        ("verify", {"in_order": {}}, "verify.in_order takes a list of requests, and not {}"),
        ("verify", {"in_order": [BANK]}, f"verify.in_order[0] takes a mapping, and not '{BANK}'"),
    ],
)
def test_an_option_of_another_kind_is_refused(
    iluma_world: World, function: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(TypeError) as refused:
        getattr(iluma_world, function)(**options)
    assert str(refused.value) == message


def test_none_in_a_fault_is_refused_because_it_would_break_every_endpoint(iluma_world: World) -> None:
    nothing: Any = None
    with pytest.raises(TypeError) as refused:
        iluma_world.faults({"endpoint": nothing, "fault": 503})
    assert str(refused.value) == "`endpoint` of faults[0] is None: leave it out, or give it a value"


def test_none_in_the_query_of_a_call_is_refused(iluma_world: World) -> None:
    with pytest.raises(TypeError) as refused:
        iluma_world.call("GET", "requests", query={"endpoint": None})
    assert str(refused.value) == "`endpoint` of query is None: leave it out, or give it a value"


def test_none_in_a_body_means_a_missing_value(iluma_world: World) -> None:
    assert iluma_world.requests(body={"bank_code": None}) == []
