"""A world: what one API key owns, on a sandbox that others use at the same time."""

from __future__ import annotations

import json
from types import TracebackType
from typing import TYPE_CHECKING, Any, Mapping, Optional, Sequence

from .control import Control, authorization
from .inbox import Inbox
from .shapes import Delivery, Duration, Ended, Fault, Match, Page, Queued, Request, flat, given, written

if TYPE_CHECKING:  # nothing but the standard library is needed at run time
    from typing_extensions import Unpack


class World:
    """Made by `Sandbox.world`. As a context manager it ends at the end."""

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
        #: Where the API is.
        self.url = url
        #: What clients have to trust where it is https.
        self.ca_pem = ca_pem
        self.name = name
        #: How the sandbox's log and journal call this world.
        self.tag = tag
        #: The key to ask the API with; it alone chooses the world.
        self.api_key = api_key
        #: What callbacks of this world carry as ``x-callback-token``.
        self.callback_token = callback_token
        self._control = Control(url, api_key=api_key, control_token=control_token, ca_pem=ca_pem)
        self._inboxes: dict[str, Inbox] = {}

    @property
    def auth(self) -> tuple[str, str]:
        """User and password, as ``requests`` and ``httpx`` take them: ``requests.get(…, auth=world.auth)``."""
        return (self.api_key, "")

    @property
    def authorization(self) -> str:
        """The same as a header: ``Basic …``."""
        return authorization(self.api_key)

    def next(self, endpoint: str, outcome: str, times: int = 1, *, reads: bool = False) -> list[Queued]:
        """Decides the next calls of an endpoint (its id or path), and returns all that waits.

        Queued outcomes are used one after another. With ``reads`` it is the next GETs of its records that
        are decided, by errors only.
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
        """The requests that this world received and that match, newest first unless ``order="oldest"``."""
        __tracebackhide__ = True
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
        """As `requests`, as soon as ``count`` match, or `NotVerified` when ``wait`` (60 s at most) is over."""
        __tracebackhide__ = True
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
        """Raises `NotVerified`, with the nearest requests field by field, unless it is so.

        Without a number, at least one request must match. ``never_within="2s"`` waits so long for none to
        come. ``in_order=[{"endpoint": …}, …]`` asks for a match of each, one after another. With ``wait``
        it may still become so until then. Returns the traces of the requests that matched.
        """
        __tracebackhide__ = True
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
        after_seq: Optional[int] = None,
        limit: Optional[int] = None,
        wait: Duration = "5s",
    ) -> Page[Delivery]:
        """The callbacks that match, with their attempts, newest first.

        With ``count`` as soon as so many match, or `NotVerified` with the reasons when ``wait`` is over.
        """
        __tracebackhide__ = True
        query = {
            "type": type,
            "record": record,
            "state": state,
            "after_seq": after_seq,
            "limit": limit,
            "count": count,
            "wait": None if count is None else written(wait),
        }
        answer = self.call("GET", "deliveries", query=query)
        return Page(answer["deliveries"], answer)

    def idle(self, wait: Duration = "5s") -> None:
        """Returns when no callback is pending, or raises `NotVerified` with those that still are."""
        __tracebackhide__ = True
        self.call("GET", "idle", query={"wait": written(wait)})

    def advance(self, by: Duration) -> list[Delivery]:
        """Moves the world's clock on, through all that falls due on the way, and returns the callbacks of it."""
        tried: list[Delivery] = self.call("POST", "clock/advance", body={"by": written(by)})["deliveries"]
        return tried

    def now(self) -> str:
        """What the world's clock shows."""
        return str(self.call("GET", "clock")["now"])

    def faults(self, *faults: Fault, ttl: Optional[Duration] = None) -> None:
        """Breaks the replies of this world from now on, in place of what broke them before; none heals it.

        They heal by themselves after ``ttl``: 5 minutes unless said otherwise.
        """
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
        """Sends a callback without a request before it; ``set={"result.is_found": False}`` changes its body."""
        body = {"type": type, "outcome": outcome, "endpoint": endpoint, "set": set}
        delivery: Delivery = self.call("POST", "trigger", body=given(body))
        return delivery

    def inbox(self, name: str = "inbox") -> Inbox:
        """A receiver for this world's callbacks, in place of one of your own."""
        if name not in self._inboxes:
            self._inboxes[name] = Inbox(self._control, f"{self.tag}-{name}")
        return self._inboxes[name]

    def explain(self, trace: str) -> dict[str, Any]:
        """Why a request was answered as it was; its trace is in the reply's ``x-sandbox-trace``."""
        explanation: dict[str, Any] = self.call("GET", f"explain/{trace}")
        return explanation

    def reset(self) -> int:
        """Empties the world and its inboxes; returns, when all is quiet, how many callbacks were called back."""
        cancelled: int = self.call("POST", "reset")["cancelled_callbacks"]
        self._empty_inboxes()
        return cancelled

    def end(self) -> Ended:
        """Ends the world and says what it left undone; the next request with its key begins a new one."""
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
        """Any other control call, as this world: ``world.call("GET", "snapshot")``."""
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
        # In a URL a text is written as it is, all else as JSON.
        query = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in flat(match).items()
        }
        answer = self.call("GET", "requests", query={**query, **more})
        return Page(answer["requests"], answer)

    def _empty_inboxes(self) -> None:
        for inbox in self._inboxes.values():
            inbox.empty()
