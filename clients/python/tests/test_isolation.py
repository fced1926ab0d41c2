"""200 tests at once on one sandbox, and none sees another's data."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable

from iluma_sandbox import Sandbox, World
from product import BANK, BANK_PATH, account, ask, register

TESTS = 200


def test_200_worlds_at_once_behave_as_each_does_alone(iluma_sandbox: Sandbox) -> None:
    together = threading.Barrier(TESTS, timeout=300)
    first_ids: list[str] = [""] * TESTS

    def meet(number: int, first_id: str) -> str:
        """Waits for all the others, and tells the record of one of them."""
        first_ids[number] = first_id
        together.wait()
        return first_ids[(number + 1) % TESTS]

    with ThreadPoolExecutor(TESTS) as threads:
        running = [threads.submit(life, iluma_sandbox, number, meet) for number in range(TESTS)]
        crowded = [each.result() for each in running]

    with Sandbox.start() as alone:
        for number in range(TESTS):
            assert life(alone, number, lambda *_: "nobody's") == crowded[number], f"world {number}"


def life(sandbox: Sandbox, number: int, meet: Callable[[int, str], str]) -> list[Any]:
    """What a test does in its world, and all that it was told, the same bytes whoever else is there."""
    mine = account(7_000_000_000 + number)
    told: list[Any] = []
    with sandbox.world(f"isolation {number}") as world:
        register(world, world.inbox().url)
        pending = 1 + number % 3
        for _ in range(pending):
            told.append(ask(world, BANK_PATH, mine, magic="PENDING_THEN_COMPLETED_FOUND").text)
        record = json.loads(told[0])["id"]

        others = meet(number, record)
        assert ask(world, f"{BANK_PATH}/{others}").status == 404

        world.next(BANK, "SERVER_ERROR", times=1 + number % 2)
        statuses = [ask(world, BANK_PATH, mine, magic=None).status for _ in range(3)]
        assert statuses == ([500, 500, 200] if number % 2 else [500, 200, 200])

        if number % 4 == 0:
            world.faults({"fault": "status(503)"})
            assert ask(world, BANK_PATH, mine).status == 503
            world.faults()
        assert ask(world, BANK_PATH, mine).status == 200

        world.advance(f"{60 + number}s")
        told.append(world.now())
        told.append(ask(world, f"{BANK_PATH}/{record}").text)
        assert json.loads(told[-1])["status"] == "COMPLETED"

        world.idle("30s")
        sent = world.deliveries(state="delivered")
        told.append(sorted(delivery["body"] for delivery in sent))
        assert len(sent) == sent.last_seq, "nothing was sent that was not delivered"
        came = world.inbox().received()
        assert len(came) == len(sent) + 1, "each once, and the test of the URL"
        assert {one["headers"]["x-callback-token"] for one in came} == {world.callback_token}
        bodies = [json.loads(one["body"]) for one in came[:-1]]
        assert {body["bank_account_number"] for body in bodies} == {mine["bank_account_number"]}

        asked = world.requests(path=BANK_PATH, method="POST")
        assert {request["body"]["bank_account_number"] for request in asked} == {mine["bank_account_number"]}
        world.verify(path=BANK_PATH, method="POST", body=dict(mine), exactly=len(asked))
        told.append(len(asked))

        if number % 2:
            begin_again(world, mine, told, record)
    return told


def begin_again(world: World, mine: Any, told: list[Any], record: str) -> None:
    """A reset, while the others go on: the world is empty, and answers as it did at first."""
    world.reset()
    assert world.requests() == [] and world.deliveries() == [] and world.inbox().received() == []
    assert world.now() == "2026-01-01T00:00:00.000Z"
    assert ask(world, f"{BANK_PATH}/{record}").status == 404
    again = ask(world, BANK_PATH, mine, magic="PENDING_THEN_COMPLETED_FOUND").text
    assert again == told[0]
    world.verify(endpoint=BANK, method="POST", exactly=1)
