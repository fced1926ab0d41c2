"""A receiver for callbacks that is part of the sandbox."""

from __future__ import annotations

from typing import Optional

from .control import Control
from .errors import NotVerified
from .shapes import Duration, Received, given, written


class Inbox:
    """Register `url` as a callback URL, and read the received callbacks.

    It answers 200. With ``inbox.url + "?status=500&times=2"`` it refuses the first two callbacks.
    """

    def __init__(self, control: Control, name: str) -> None:
        self._control = control
        self._path = f"inbox/{name}"
        #: The URL for callbacks.
        self.url = f"{control.url}/__sandbox/{self._path}"

    def received(
        self, count: int = 0, *, wait: Duration = "5s", after_seq: Optional[int] = None
    ) -> list[Received]:
        """The received callbacks, newest first. Waits until ``count`` have come, or raises `NotVerified` after ``wait``."""
        query = {"after_seq": after_seq, "count": count or None, "wait": written(wait) if count else None}
        try:
            came: list[Received] = self._control.call("GET", self._path, query=given(query))["received"]
        except NotVerified as late:
            arrived = len(late.answer.get("received", []))
            message = f"{arrived} of {count} callbacks came to {self.url}"
            why = [f"  {reason}" for reason in late.answer.get("why", [])]
            lines = [message, *why] if why else [f"{message} within {written(wait)}"]
            raise NotVerified("\n".join(lines), status=late.status, answer=late.answer) from None
        return came

    def empty(self) -> None:
        """Removes all received callbacks."""
        self._control.call("DELETE", self._path)
