"""A receiver for callbacks that lives in the sandbox."""

from __future__ import annotations

from typing import Optional

from .control import Control
from .errors import NotVerified
from .shapes import Duration, Received, written


class Inbox:
    """Register `url` as a callback URL, and see what came.

    It answers 200; register ``inbox.url + "?status=500&times=2"`` for one that refuses twice first.
    """

    def __init__(self, control: Control, name: str) -> None:
        self._control = control
        self._path = f"inbox/{name}"
        #: Where to send callbacks.
        self.url = f"{control.url}/__sandbox/{self._path}"

    def received(
        self, count: int = 0, *, wait: Duration = "5s", after_seq: Optional[int] = None
    ) -> list[Received]:
        """What came, newest first; as soon as ``count`` have come, or `NotVerified` when ``wait`` is over."""
        query = {"after_seq": after_seq, "count": count or None, "wait": written(wait) if count else None}
        try:
            came: list[Received] = self._control.call("GET", self._path, query=query)["received"]
        except NotVerified as late:
            arrived = len(late.answer.get("received", []))
            message = f"{arrived} of {count} callbacks came to {self.url} within {written(wait)}"
            raise NotVerified(message, status=late.status, answer=late.answer) from None
        return came

    def empty(self) -> None:
        """Forgets what came."""
        self._control.call("DELETE", self._path)
