"""The types of the control API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, List, Mapping, Optional, TypedDict, TypeVar, Union

#: ``"250ms"``, ``"10s"``, ``"5m"``, ``"2h"``, ``"3d"``, seconds as a number, or a ``timedelta``.
Duration = Union[str, float, timedelta]


def written(duration: Duration) -> str:
    """A duration in the form of the sandbox, rounded to milliseconds."""
    if isinstance(duration, str):
        return duration
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
    return f"{round(seconds * 1000)}ms"


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are not none."""
    return {name: value for name, value in options.items() if value is not None}


class Match(TypedDict, total=False):
    """The conditions for a request. A missing condition matches everything."""

    #: An endpoint's id or path.
    endpoint: str
    #: ``"COMPLETED_FOUND"``, or the whole tag.
    outcome: str
    status: int
    method: str
    path: str
    trace: str
    #: A whole ``traceparent``, or the 32 hex digits of its trace id.
    traceparent: str
    #: The header ``x-request-id``.
    request_id: str
    #: Dotted paths into the body: ``{"given_names": "Eko", "addresses.0.country": "ID"}``. A dot in a name is
    #: written with a backslash: ``{r"meta\.id": 7}``. None means that the value is missing.
    body: Mapping[str, Any]
    #: A list for a name that came more than once. None means that it is missing.
    headers: Mapping[str, Union[str, list[str], None]]
    query: Mapping[str, Union[str, list[str], None]]


def flat(match: Mapping[str, Any]) -> dict[str, Any]:
    """The conditions in the form of the sandbox: ``body.given_names``, ``header.x-test``, ``query.page``."""
    names = {"body": "body.", "headers": "header.", "query": "query."}
    found: dict[str, Any] = {}
    for name, value in match.items():
        if name in names:
            found.update({names[name] + inner: wanted for inner, wanted in value.items()})
        else:
            found[name] = value
    return found


class _Sometimes(TypedDict, total=False):
    """The hash of a body of which only a part is kept."""

    body_sha256: str
    reply_sha256: str


class Request(_Sometimes):
    """A request to a world, and its response."""

    seq: int
    trace: str
    at: str
    world: str
    method: str
    path: str
    #: A list if a name came more than once.
    query: dict[str, Union[str, list[str]]]
    headers: dict[str, Union[str, list[str]]]
    #: JSON if it is JSON, else text.
    body: Any
    body_bytes: int
    endpoint: Optional[str]
    outcome: Optional[str]
    status: int
    reply: Any
    #: Names in lower case, without length and date.
    reply_headers: dict[str, str]
    reply_bytes: int
    duration_us: int
    delay_ms: int
    fault: Optional[str]


class TriedAddress(TypedDict):
    """An address of a receiver. The error is None for the one that was reached."""

    address: str
    error: Optional[str]


class Attempt(TypedDict):
    """One try to deliver a callback. ``at`` is by the world's clock, ``sent_at`` by the machine's."""

    at: str
    sent_at: str
    request: str
    status: Optional[int]
    answer: str
    error: Optional[str]
    duration_ms: int
    addresses: List[TriedAddress]
    host_map: Optional[str]
    location: Optional[str]
    answer_line: Optional[str]


class Delivery(TypedDict):
    """A callback and its attempts."""

    id: str
    seq: int
    type: str
    #: ``scheduled``, ``sending``, ``retrying``, ``delivered``, ``failed``, ``cancelled``, ``suppressed``, ``dropped``
    #: or ``no_url``. Only ``deliveries(state="no_url")`` lists the last ones.
    state: str
    record: Optional[str]
    outcome: str
    #: None in the state ``no_url``.
    url: Optional[str]
    created: str
    next_try: Optional[str]
    on_purpose: Optional[str]
    reason: Optional[str]
    redelivery_of: Optional[str]
    depth: int
    #: The ``traceparent`` and the ``x-request-id`` of the request that caused the callback. The callback has the same.
    traceparent: Optional[str]
    request_id: Optional[str]
    body: str
    attempts: list[Attempt]


class Received(TypedDict):
    """A callback that an inbox received."""

    seq: int
    answered: int
    #: A list if a name came more than once.
    headers: dict[str, Union[str, list[str]]]
    #: The exact text; ``json.loads`` reads it.
    body: str


class Queued(TypedDict):
    """A queued outcome for a future call."""

    endpoint: str
    outcome: str
    times: int
    reads: bool


class RateLimit(TypedDict):
    limit: int
    window: str


class Fault(TypedDict, total=False):
    """A fault or delay of a world. Without ``endpoint``, it applies to all products."""

    endpoint: str
    #: ``"reset"``, ``"truncate"``, ``"slow(1kb/s)"``, 503, …, or a table as in scenario files.
    fault: Union[str, int, Mapping[str, Any]]
    #: ``"3s"``, ``"uniform(1s, 3s)"``, ``"lognormal(300ms, 0.5)"``, or a table as in scenario files.
    delay: Union[str, Mapping[str, Any]]
    probability: float
    rate_limit: RateLimit


class Ended(TypedDict):
    """What was still pending in a world when it ended."""

    #: Callbacks that were not sent yet or waited for a retry.
    callbacks: list[Delivery]
    #: The number of callbacks that are not shown.
    more_callbacks: int
    #: Outcomes that no call had used.
    queued: int
    #: Faults that were still active.
    faults: int


Item = TypeVar("Item")


class Page(list[Item]):
    """A list with facts about the whole result."""

    def __init__(self, items: list[Item], answer: Mapping[str, Any]) -> None:
        super().__init__(items)
        #: The total number, whatever the limit.
        self.matched: int = answer.get("matched", answer.get("matching", len(items)))
        #: The number of entries that the sandbox has dropped, matching or not.
        self.dropped: int = answer.get("dropped", 0)
        #: Whether dropped entries could have matched.
        self.reaches_into_dropped: bool = answer.get("reaches_into_dropped", False)
        #: The number of the newest entry. Send it as ``after_seq`` to get later entries.
        self.last_seq: int = answer.get("last_seq", 0)
        #: Send it as ``before_seq`` to get the next page (``order="oldest"``: as ``after_seq``). None on the last.
        self.next: Optional[int] = answer.get("next")
