"""What a world can be told and asked."""

from __future__ import annotations

import urllib.request
from datetime import timedelta

import pytest

from iluma_sandbox import (
    Attempt,
    Delivery,
    Fault,
    NotVerified,
    Queued,
    RateLimit,
    Request,
    Sandbox,
    SandboxError,
    World,
)
from product import BANK, BANK_CALLBACK, BANK_PATH, account, ask, register


def test_a_name_gives_the_same_key_in_every_sandbox_and_another_name_another(iluma_sandbox: Sandbox) -> None:
    with iluma_sandbox.world("one") as one, iluma_sandbox.world("two") as two:
        assert one.api_key != two.api_key
        assert one.callback_token != two.callback_token
        with Sandbox.start() as other, other.world("one") as again:
            assert (again.api_key, again.callback_token) == (one.api_key, one.callback_token)


def test_a_world_without_a_name_is_given_one(iluma_sandbox: Sandbox) -> None:
    with iluma_sandbox.world() as one, iluma_sandbox.world() as two:
        assert one.name != two.name


def test_a_name_in_use_is_refused_unless_its_world_may_be_emptied(iluma_sandbox: Sandbox) -> None:
    with iluma_sandbox.world("taken") as world:
        assert ask(world, BANK_PATH, account(1234567890)).status == 200
        with pytest.raises(SandboxError, match="there is a world `taken` already") as refused:
            iluma_sandbox.world("taken")
        assert (refused.value.status, refused.value.error) == (409, "world_in_use")
        assert iluma_sandbox.world("taken", reset=True).requests() == []


def test_queued_outcomes_answer_the_next_calls_in_their_order(iluma_world: World) -> None:
    iluma_world.next(BANK, "SERVER_ERROR", times=2)
    waiting = iluma_world.next(BANK_PATH, "RATE_LIMIT_EXCEEDED")
    assert [(one["outcome"], one["times"]) for one in waiting] == [
        ("SERVER_ERROR", 2),
        ("RATE_LIMIT_EXCEEDED", 1),
    ]
    answered = [ask(iluma_world, BANK_PATH, account(1234567890)).status for _ in range(4)]
    assert answered == [500, 500, 429, 200]


def test_an_unknown_outcome_is_refused_with_the_nearest(iluma_world: World) -> None:
    with pytest.raises(SandboxError, match="SERVER_ERROR"):
        iluma_world.next(BANK, "SERVER_EROR")


def test_requests_are_found_by_what_they_were_and_how_they_were_answered(iluma_world: World) -> None:
    ask(iluma_world, BANK_PATH, account(1234567890))
    ask(iluma_world, BANK_PATH, account(7), magic="SERVER_ERROR")
    assert [one["status"] for one in iluma_world.requests()] == [500, 200]
    assert [one["status"] for one in iluma_world.requests(order="oldest")] == [200, 500]
    (failed,) = iluma_world.requests(status=500)
    assert failed["body"] == account(7)
    assert failed["headers"]["x-magic-reply"] == "SERVER_ERROR"
    assert [one["seq"] for one in iluma_world.requests(body={"bank_account_number": "7"})] == [failed["seq"]]
    assert iluma_world.requests(body={"bank_account_number": None}) == []
    assert iluma_world.requests(headers={"x-magic-reply": "SERVER_ERROR"}, endpoint=BANK) == [failed]
    assert iluma_world.requests(body={"bank_account_number": "null"}) == []
    one = iluma_world.requests(limit=1)
    assert (len(one), one.matched, one.dropped, one.last_seq) == (1, 2, 0, failed["seq"])


def test_a_misspelt_filter_is_refused_and_does_not_match_everything(iluma_world: World) -> None:
    with pytest.raises(TypeError, match="`endpont`"):
        iluma_world.requests(endpont=BANK)  # type: ignore[call-arg]


def test_a_text_null_a_name_with_a_dot_and_repeated_parameters_are_found(iluma_world: World) -> None:
    body = {**account(1234567890), "note": "null", "meta.id": {"a": 7}}
    assert ask(iluma_world, BANK_PATH + "?tag=a&tag=b", body).status == 200
    assert len(iluma_world.requests(body={"note": "null"})) == 1
    assert iluma_world.requests(body={"note": None}) == []
    assert len(iluma_world.wait_for(body={r"meta\.id": {"a": 7}}, query={"tag": ["a", "b"]})) == 1
    iluma_world.verify(exactly=1, body={r"meta\.id.a": 7, "note": "null"}, query={"tag": ["a", "b"]})


def test_waiting_for_requests_returns_as_soon_as_they_are_there(iluma_world: World) -> None:
    ask(iluma_world, BANK_PATH, account(1234567890))
    assert len(iluma_world.wait_for(endpoint=BANK, wait="1m")) == 1


def test_waiting_in_vain_fails_and_shows_what_came_instead(iluma_world: World) -> None:
    ask(iluma_world, BANK_PATH, account(1234567890))
    with pytest.raises(NotVerified) as late:
        iluma_world.wait_for(endpoint=BANK, status=500, wait=0.01)
    assert late.value.status == 408
    assert "status: expected 500, received 200" in str(late.value)


def test_a_failed_verify_is_an_assertion_that_shows_the_nearest_request_field_by_field(
    iluma_world: World,
) -> None:
    trace = ask(iluma_world, BANK_PATH, account(1234567890)).headers["x-sandbox-trace"]
    with pytest.raises(AssertionError) as failed:
        iluma_world.verify(endpoint=BANK, body={"bank_account_number": "999"}, exactly=1)
    assert str(failed.value).splitlines() == [
        'expected exactly 1 request with endpoint "v1.1/bank_account_data_requests", '
        'body.bank_account_number "999", but 0 of 1 matched',
        f"  close was {trace}, POST {BANK_PATH} → 200 COMPLETED_FOUND:",
        '    body.bank_account_number: expected "999", received "1234567890"',
    ]


def test_a_failed_verify_names_the_code_points_of_texts_that_look_alike(iluma_world: World) -> None:
    ask(iluma_world, BANK_PATH, {**account(1234567890), "reference_id": "Jose\u0301"})
    with pytest.raises(AssertionError) as failed:
        iluma_world.verify(endpoint=BANK, body={"reference_id": "Jos\u00e9"}, exactly=1)
    assert str(failed.value).endswith(
        'received "Jose\u0301" (they look alike: `\u00e9` U+00E9 against `e` U+0065 U+0301 at character 4)'
    )


def test_verify_knows_bounds_order_and_never(iluma_world: World) -> None:
    for number in (1111111111, 2222222222):
        ask(iluma_world, BANK_PATH, account(number))
    first, second = (
        {"endpoint": BANK, "body": {"bank_account_number": number}} for number in ("1111111111", "2222222222")
    )
    assert len(iluma_world.verify(endpoint=BANK)) == 2
    iluma_world.verify(endpoint=BANK, at_least=1, at_most=2)
    iluma_world.verify(endpoint=BANK, status=500, never_within=timedelta(milliseconds=1))
    iluma_world.verify(in_order=[first, second])  # type: ignore[list-item]
    with pytest.raises(NotVerified):
        iluma_world.verify(in_order=[second, first])  # type: ignore[list-item]
    with pytest.raises(NotVerified):
        iluma_world.verify(endpoint=BANK, at_most=1)


def test_callbacks_come_when_the_clock_is_advanced(iluma_world: World) -> None:
    register(iluma_world, iluma_world.inbox().url)
    reply = ask(iluma_world, BANK_PATH, account(1234567890), magic="PENDING_THEN_COMPLETED_FOUND")
    record = reply.json["id"]
    iluma_world.advance("1m")
    (delivery,) = iluma_world.deliveries(1, record=record, state="delivered")
    assert delivery["attempts"][0]["status"] == 200
    (newest, *_) = iluma_world.inbox().received(2)
    assert newest["body"] == delivery["body"]
    iluma_world.idle()
    assert iluma_world.now() == "2026-01-01T00:01:00.000Z"


def test_callbacks_that_do_not_come_are_a_failure_with_reasons(iluma_world: World) -> None:
    with pytest.raises(NotVerified, match="no request of this world has caused a callback"):
        iluma_world.deliveries(1, wait="10ms")
    with pytest.raises(NotVerified, match="0 of 1 callbacks came"):
        iluma_world.inbox().received(1, wait="10ms")
    register(iluma_world, iluma_world.inbox().url)
    ask(iluma_world, BANK_PATH, account(1234567890), magic="COMPLETED_FOUND; callback=late(1h)")
    with pytest.raises(NotVerified, match="1 callbacks are pending"):
        iluma_world.idle("10ms")


def test_a_callback_is_sent_without_a_request(iluma_world: World) -> None:
    register(iluma_world, iluma_world.inbox().url)
    sent = iluma_world.trigger(BANK_CALLBACK, "COMPLETED_FOUND", set={"result.is_found": False})
    assert ask(iluma_world, f"{BANK_PATH}/{sent['record']}").json["result"]["is_found"] is False


def test_what_is_unused_is_a_failure_and_a_summary_shows_it(iluma_world: World) -> None:
    iluma_world.verify_used()
    register(iluma_world, iluma_world.inbox().url)
    iluma_world.next(BANK, "PENDING_THEN_COMPLETED_FOUND", 2)
    ask(iluma_world, BANK_PATH, account(1234567890))
    due = "is still pending until 2026-01-01T00:00:01.000Z"
    assert f"dlv_1  {BANK_CALLBACK} {due}, in 1s; advance the clock by 1s to send it\n" in iluma_world.summary()
    with pytest.raises(NotVerified) as unused:
        iluma_world.verify_used()
    assert str(unused.value).splitlines() == [
        "the test left things unused: 1 queued outcome, 0 faults and 1 callback",
        f"  outcome PENDING_THEN_COMPLETED_FOUND is queued for {BANK}, and the request for it never came",
        f"  callback dlv_1 of type {BANK_CALLBACK} was never awaited: it {due}",
    ]
    ask(iluma_world, BANK_PATH, account(1234567890))
    iluma_world.advance("1m")
    iluma_world.verify_used()


def test_a_callback_without_a_url_is_named_at_once(iluma_world: World) -> None:
    ask(iluma_world, BANK_PATH, account(1234567890), magic="PENDING_THEN_COMPLETED_FOUND; callback=late(1h)")
    with pytest.raises(NotVerified, match=f"no URL is registered for {BANK_CALLBACK}"):
        iluma_world.deliveries(1, wait="1m")
    with pytest.raises(NotVerified) as late:
        iluma_world.inbox().received(1, wait="1m")
    inbox = iluma_world.inbox().url
    assert str(late.value) == f"0 of 1 callbacks came to {inbox}\n  no URL is registered for {BANK_CALLBACK}"


def test_faults_break_replies_until_they_are_healed(iluma_world: World) -> None:
    iluma_world.faults({"endpoint": BANK, "fault": 503}, ttl="1m")
    assert ask(iluma_world, BANK_PATH, account(1234567890)).status == 503
    iluma_world.faults()
    assert ask(iluma_world, BANK_PATH, account(1234567890)).status == 200


def test_an_answer_is_explained_by_its_trace(iluma_world: World) -> None:
    iluma_world.next(BANK, "SERVER_ERROR")
    reply = ask(iluma_world, BANK_PATH, account(1234567890))
    explanation = iluma_world.explain(reply.headers["x-sandbox-trace"])
    assert "SERVER_ERROR" in str(explanation)


def test_a_reset_empties_the_world_and_it_answers_as_at_first(iluma_world: World) -> None:
    register(iluma_world, iluma_world.inbox().url)
    asked = account(1234567890)
    first = ask(iluma_world, BANK_PATH, asked, magic="PENDING_THEN_COMPLETED_FOUND; callback=late(1h)").text
    assert iluma_world.reset() == 1, "the callback that had not left"
    assert iluma_world.requests() == [] and iluma_world.inbox().received() == []
    assert ask(iluma_world, BANK_PATH, asked, magic="PENDING_THEN_COMPLETED_FOUND").text == first


def test_the_end_of_a_world_says_what_was_left_undone(iluma_sandbox: Sandbox) -> None:
    world = iluma_sandbox.world("ends")
    register(world, world.inbox().url)
    ask(world, BANK_PATH, account(1234567890), magic="COMPLETED_FOUND; callback=late(1h)")
    world.next(BANK, "SERVER_ERROR")
    world.faults({"fault": "reset", "endpoint": "v2/ktp_data_requests"})
    left = world.end()
    assert [one["type"] for one in left["callbacks"]] == [BANK_CALLBACK]
    assert (left["more_callbacks"], left["queued"], left["faults"]) == (0, 1, 1)
    with iluma_sandbox.world("ends") as fresh:
        assert fresh.requests() == []


def test_any_other_control_call_can_be_made(iluma_world: World) -> None:
    record = ask(iluma_world, BANK_PATH, account(1234567890)).json["id"]
    snapshot = iluma_world.call("GET", "snapshot")
    iluma_world.reset()
    iluma_world.call("PUT", "snapshot", body=snapshot)
    assert ask(iluma_world, f"{BANK_PATH}/{record}").status == 200
    assert '{"type":"exchange"' in iluma_world.call("GET", "export")


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("Request", Request),
        ("Delivery", Delivery),
        ("Attempt", Attempt),
        ("NextEntry", Queued),
        ("FaultItem", Fault),
        ("RateLimit", RateLimit),
    ],
)
def test_the_types_say_what_the_sandbox_says_of_itself(iluma_sandbox: Sandbox, name: str, shape: type) -> None:
    described = iluma_sandbox.control.call("GET", "openapi.json")["components"]["schemas"][name]
    assert set(described["properties"]) == set(shape.__annotations__)


def test_the_parts_of_a_trace_are_found_by_its_id_and_a_malformed_one_is_refused(iluma_world: World) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    request = urllib.request.Request(
        iluma_world.url + BANK_PATH,
        data=b'{"bank_account_number": "1", "bank_code": "BCA"}',
        headers={
            "authorization": iluma_world.authorization,
            "content-type": "application/json",
            "traceparent": parent,
            "x-request-id": "abc-1",
        },
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
        trace = answer.headers["x-sandbox-trace"]
    ask(iluma_world, BANK_PATH, account(2))
    for found in (iluma_world.requests(request_id="abc-1"), iluma_world.requests(traceparent=parent.split("-")[1])):
        assert [one["trace"] for one in found] == [trace]
    assert list(iluma_world.requests(request_id="abc-2")) == []
    with pytest.raises(SandboxError, match="traceparent"):
        iluma_world.requests(traceparent="00-zz")
