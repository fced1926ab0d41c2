"""What the control API takes and gives, typed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Mapping, Optional, TypedDict, TypeVar, Union

#: ``"250ms"``, ``"10s"``, ``"5m"``, ``"2h"``, ``"3d"``, seconds as a number, or a ``timedelta``.
Duration = Union[str, float, timedelta]


def written(duration: Duration) -> str:
    """As the sandbox reads it; what is given in units finer than a millisecond is rounded."""
    if isinstance(duration, str):
        return duration
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
    return f"{round(seconds * 1000)}ms"


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those that are not none."""
    return {name: value for name, value in options.items() if value is not None}


class Match(TypedDict, total=False):
    """Which requests are meant; what is left out may be anything."""

    #: An endpoint's id or path.
    endpoint: str
    #: ``"COMPLETED_FOUND"``, or the whole tag.
    outcome: str
    status: int
    method: str
    path: str
    trace: str
    #: Dotted paths into the body: ``{"given_names": "Eko", "addresses.0.country": "ID"}``.
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    query: Mapping[str, str]


def flat(match: Mapping[str, Any]) -> dict[str, Any]:
    """A match as the sandbox writes it: ``body.given_names``, ``header.x-test``, ``query.page``."""
    names = {"body": "body.", "headers": "header.", "query": "query."}
    found: dict[str, Any] = {}
    for name, value in match.items():
        if name in names:
            found.update({names[name] + inner: wanted for inner, wanted in value.items()})
        else:
            found[name] = value
    return found


class _Sometimes(TypedDict, total=False):
    """The hashes of a body that is kept in part."""

    body_sha256: str
    reply_sha256: str


class Request(_Sometimes):
    """A request that a world received, and how it was answered."""

    seq: int
    trace: str
    at: str
    world: str
    method: str
    path: str
    #: A list where a name came more than once.
    query: dict[str, Union[str, list[str]]]
    headers: dict[str, Union[str, list[str]]]
    #: JSON where it is JSON, else text.
    body: Any
    body_bytes: int
    endpoint: Optional[str]
    outcome: Optional[str]
    status: int
    reply: Any
    #: In lower case, without length and date.
    reply_headers: dict[str, str]
    reply_bytes: int
    duration_us: int
    delay_ms: int
    fault: Optional[str]


class Attempt(TypedDict):
    """One try to deliver a callback."""

    at: str
    request: str
    status: Optional[int]
    answer: str
    error: Optional[str]
    duration_ms: int


class Delivery(TypedDict):
    """A callback, and what became of it."""

    id: str
    seq: int
    type: str
    #: ``scheduled``, ``sending``, ``retrying``, ``delivered``, ``failed``, ``cancelled``, ``suppressed`` or
    #: ``dropped``.
    state: str
    record: Optional[str]
    outcome: str
    url: str
    created: str
    next_try: Optional[str]
    on_purpose: Optional[str]
    reason: Optional[str]
    redelivery_of: Optional[str]
    depth: int
    body: str
    attempts: list[Attempt]


class Received(TypedDict):
    """What an inbox received."""

    seq: int
    answered: int
    headers: dict[str, str]
    #: The very text; ``json.loads`` reads it.
    body: str


class Queued(TypedDict):
    """An outcome that waits for a call to come."""

    endpoint: str
    outcome: str
    times: int
    reads: bool


class RateLimit(TypedDict):
    limit: int
    window: str


class Fault(TypedDict, total=False):
    """What breaks the replies of a world; without ``endpoint`` those of all products."""

    endpoint: str
    #: ``"reset"``, ``"truncate"``, ``"slow(1kb/s)"``, 503, …, or a table as in scenario files.
    fault: Union[str, int, Mapping[str, Any]]
    #: ``"3s"``, ``"uniform(1s, 3s)"``, ``"lognormal(300ms, 0.5)"``, or a table as in scenario files.
    delay: Union[str, Mapping[str, Any]]
    probability: float
    rate_limit: RateLimit


class Ended(TypedDict):
    """What a world left undone when it ended."""

    #: Callbacks that had not left, or were to be tried again.
    callbacks: list[Delivery]
    #: How many more of them there were than are shown.
    more_callbacks: int
    #: Outcomes that no call had used.
    queued: int
    #: Faults that still stood.
    faults: int


Item = TypeVar("Item")


class Page(list[Item]):
    """A list that also knows what it is a part of."""

    def __init__(self, items: list[Item], answer: Mapping[str, Any]) -> None:
        super().__init__(items)
        #: How many there are in all, whatever the limit.
        self.matched: int = answer.get("matched", answer.get("matching", len(items)))
        #: How many the sandbox let go to make room, matching or not.
        self.dropped: int = answer.get("dropped", 0)
        #: Whether some that were asked for may be among the dropped.
        self.reaches_into_dropped: bool = answer.get("reaches_into_dropped", False)
        #: The newest there is; as ``after_seq`` it asks for what comes later.
        self.last_seq: int = answer.get("last_seq", 0)
        #: As ``before_seq`` it asks for the next page (with ``order="oldest"`` as ``after_seq``); none on the last.
        self.next: Optional[int] = answer.get("next")
