"""A world: the data of one API key, on a sandbox that others can use at the same time."""

from __future__ import annotations

import json
from types import TracebackType
from typing import TYPE_CHECKING, Any, Mapping, Optional, Sequence

from .control import Control, authorization
from .errors import NotVerified
from .inbox import Inbox
from .options import check_faults, check_match, check_steps
from .shapes import Delivery, Duration, Ended, Fault, Match, Page, Queued, Request, flat, given, written

if TYPE_CHECKING:  # nothing but the standard library is needed at run time
    from typing_extensions import Unpack


_VERIFY = ("exactly", "at_least", "at_most", "never_within", "in_order", "wait", "after_seq")


class World:
    """Created by `Sandbox.world`. As a context manager, it ends at the end of the block."""

    def __init__(
        self,
        url: str,
        *,
        name: str,
        tag: str,
        api_key: str,
        callback_token: str,
        control_token: Optional[str] = None,
        ca_pem: Optional[str] = None,
    ) -> None:
        #: The URL of the API.
        self.url = url
        #: The certificate authority that clients must trust, if the URL is https.
        self.ca_pem = ca_pem
        self.name = name
        #: The name of this world in the sandbox's log and journal.
        self.tag = tag
        #: The API key of this world. The key alone chooses the world.
        self.api_key = api_key
        #: The value of ``x-callback-token`` in callbacks of this world.
        self.callback_token = callback_token
        self._control = Control(url, api_key=api_key, control_token=control_token, ca_pem=ca_pem)
        self._inboxes: dict[str, Inbox] = {}

    @property
    def auth(self) -> tuple[str, str]:
        """User and password, in the form of ``requests`` and ``httpx``: ``requests.get(…, auth=world.auth)``."""
        return (self.api_key, "")

    @property
    def authorization(self) -> str:
        """The same as a header: ``Basic …``."""
        return authorization(self.api_key)

    def next(self, endpoint: str, outcome: str, times: int = 1, *, reads: bool = False) -> list[Queued]:
        """Queues an outcome for the next calls of an endpoint (its id or path). Returns the whole queue.

        Queued outcomes are used one after another. With ``reads``, they apply to the next GETs of records
        (errors only).
        """
        body = {"endpoint": endpoint, "outcome": outcome, "times": times, "reads": reads}
        waiting: list[Queued] = self.call("POST", "next", body=body)["waiting"]
        return waiting

    def requests(
        self,
        *,
        after_seq: Optional[int] = None,
        before_seq: Optional[int] = None,
        order: Optional[str] = None,
        limit: Optional[int] = None,
        **match: Unpack[Match],
    ) -> Page[Request]:
        """The requests of this world that match, newest first unless ``order="oldest"``."""
        __tracebackhide__ = True
        check_match("requests", match, ("after_seq", "before_seq", "order", "limit"))
        return self._requests(
            match, after_seq=after_seq, before_seq=before_seq, order=order, limit=limit
        )

    def wait_for(
        self,
        count: int = 1,
        *,
        wait: Duration = "5s",
        after_seq: Optional[int] = None,
        **match: Unpack[Match],
    ) -> Page[Request]:
        """Like `requests`, but waits until ``count`` match. Raises `NotVerified` after ``wait`` (60 s at most)."""
        __tracebackhide__ = True
        check_match("wait_for", match, ("count", "wait", "after_seq"))
        return self._requests(match, after_seq=after_seq, count=count, wait=written(wait))

    def verify(
        self,
        *,
        exactly: Optional[int] = None,
        at_least: Optional[int] = None,
        at_most: Optional[int] = None,
        never_within: Optional[Duration] = None,
        in_order: Optional[Sequence[Match]] = None,
        wait: Optional[Duration] = None,
        after_seq: Optional[int] = None,
        **match: Unpack[Match],
    ) -> list[str]:
        """Raises `NotVerified` with the nearest requests, field by field, if the expectation is not met.

        Without a number, at least one request must match. ``never_within="2s"`` waits for this time, and
        fails if a request matches. ``in_order=[{"endpoint": …}, …]`` expects requests that match one after
        another. ``wait`` is how long to wait until the expectation is met. Returns the traces of the matches.
        """
        __tracebackhide__ = True
        check_match("verify", match, _VERIFY)
        if in_order is not None:
            check_steps("verify.in_order", in_order)
        if all(one is None for one in (exactly, at_least, at_most, never_within, in_order)):
            at_least = 1
        body: dict[str, Any] = {
            "request": flat(match) if in_order is None or match else None,
            "in_order": None if in_order is None else [flat(one) for one in in_order],
            "exactly": exactly,
            "at_least": at_least,
            "at_most": at_most,
            "never_within": None if never_within is None else written(never_within),
            "wait": None if wait is None else written(wait),
            "after_seq": after_seq,
        }
        traces: list[str] = self.call("POST", "verify", body=given(body))["requests"]
        return traces

    def deliveries(
        self,
        count: Optional[int] = None,
        *,
        type: Optional[str] = None,
        record: Optional[str] = None,
        state: Optional[str] = None,
        traceparent: Optional[str] = None,
        request_id: Optional[str] = None,
        after_seq: Optional[int] = None,
        limit: Optional[int] = None,
        wait: Duration = "5s",
    ) -> Page[Delivery]:
        """The callbacks that match, with their attempts, newest first.

        With ``count``, waits until this many match. Raises `NotVerified` with the reasons after ``wait``, or at once if
        none can come because no URL is registered. ``state="no_url"`` lists the callbacks that had no URL. ``traceparent``
        (a whole one, or its trace id) and ``request_id`` choose the callbacks of one trace.
        """
        __tracebackhide__ = True
        query = {
            "type": type,
            "record": record,
            "state": state,
            "traceparent": traceparent,
            "request_id": request_id,
            "after_seq": after_seq,
            "limit": limit,
            "count": count,
            "wait": None if count is None else written(wait),
        }
        answer = self.call("GET", "deliveries", query=given(query))
        return Page(answer["deliveries"], answer)

    def idle(self, wait: Duration = "5s") -> None:
        """Returns when no callback is pending, or raises `NotVerified` with the pending ones.

        It also raises it if callbacks were dropped since the last reset, because too many of all worlds were pending.
        """
        __tracebackhide__ = True
        answer = self.call("GET", "idle", query={"wait": written(wait)})
        dropped = answer.get("dropped_callbacks", 0)
        if dropped:
            message = f"nothing is pending, but {dropped} callbacks were dropped: too many of all worlds were pending"
            raise NotVerified(message, status=200, answer=answer)

    def advance(self, by: Duration) -> list[Delivery]:
        """Moves the world's clock forward and runs everything that falls due. Returns the callbacks that were tried."""
        tried: list[Delivery] = self.call("POST", "clock/advance", body={"by": written(by)})["deliveries"]
        return tried

    def now(self) -> str:
        """The time of the world's clock."""
        return str(self.call("GET", "clock")["now"])

    def faults(self, *faults: Fault, ttl: Optional[Duration] = None) -> None:
        """Sets the faults and delays of this world. They replace earlier ones; without any, all are removed.

        They end after ``ttl``. The default is 5 minutes.
        """
        check_faults(faults)
        if not faults:
            self.call("DELETE", "faults")
            return
        body = {"faults": list(faults), "ttl": None if ttl is None else written(ttl)}
        self.call("PUT", "faults", body=given(body))

    def trigger(
        self,
        type: Optional[str] = None,
        outcome: Optional[str] = None,
        *,
        endpoint: Optional[str] = None,
        set: Optional[Mapping[str, Any]] = None,
    ) -> Delivery:
        """Sends a callback without a request; ``set={"result.is_found": False}`` changes its body."""
        body = {"type": type, "outcome": outcome, "endpoint": endpoint, "set": set}
        delivery: Delivery = self.call("POST", "trigger", body=given(body))
        return delivery

    def inbox(self, name: str = "inbox") -> Inbox:
        """A receiver for this world's callbacks. Use it instead of your own receiver."""
        if name not in self._inboxes:
            self._inboxes[name] = Inbox(self._control, f"{self.tag}-{name}")
        return self._inboxes[name]

    def verify_used(self) -> None:
        """Raises `NotVerified` if the test has left something unused. Call it before the world ends.

        Unused are queued outcomes that were never requested, faults that never struck, and callbacks that were never
        awaited. A callback that a receiver of the test's own has accepted counts as awaited.
        """
        __tracebackhide__ = True
        self.call("GET", "unused")

    def summary(self) -> str:
        """The latest requests and callbacks as a short text, also those callbacks that are scheduled."""
        return str(self.call("GET", "summary"))

    def explain(self, trace: str) -> dict[str, Any]:
        """Explains a response. Its trace is in the header ``x-sandbox-trace``."""
        explanation: dict[str, Any] = self.call("GET", f"explain/{trace}")
        return explanation

    def reset(self) -> int:
        """Empties the world and its inboxes. When no callback is under way, returns the number of cancelled callbacks."""
        cancelled: int = self.call("POST", "reset")["cancelled_callbacks"]
        self._empty_inboxes()
        return cancelled

    def end(self) -> Ended:
        """Ends the world and shows what was still pending. The next request with its key begins a new world."""
        pending: Ended = self.call("DELETE", "worlds")["pending"]
        self._empty_inboxes()
        return pending

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Optional[Mapping[str, Any]] = None,
        body: Optional[Mapping[str, Any]] = None,
    ) -> Any:
        """Any other call of the control API, for this world: ``world.call("GET", "snapshot")``."""
        __tracebackhide__ = True  # pytest shows the line of the test
        return self._control.call(method, path, query=query, body=body)

    def __enter__(self) -> World:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.end()

    def _requests(self, match: Mapping[str, Any], **more: Any) -> Page[Request]:
        __tracebackhide__ = True
        # JSON keeps the text "null" apart from a missing value.
        query = {name: json.dumps(value) for name, value in flat(match).items()}
        answer = self.call("GET", "requests", query=given({**query, **more}))
        return Page(answer["requests"], answer)

    def _empty_inboxes(self) -> None:
        for inbox in self._inboxes.values():
            inbox.empty()
