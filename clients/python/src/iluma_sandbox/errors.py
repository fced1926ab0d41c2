"""Errors, with the messages of the sandbox."""

from __future__ import annotations

import json
from typing import Any, Mapping, Optional


class SandboxError(Exception):
    """The sandbox could not be started or reached, or refused a request.

    ``status`` and ``error`` are those of its answer, if there was one: 409 and ``"world_in_use"``.
    """

    def __init__(
        self,
        message: str,
        *,
        status: Optional[int] = None,
        error: Optional[str] = None,
        answer: Optional[Mapping[str, Any]] = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.answer: Mapping[str, Any] = answer or {}


class NotVerified(SandboxError, AssertionError):
    """An expectation was not met. The message shows the nearest requests.

    An ``AssertionError``, so that test runners show it as a failure and not as an error.
    """


def of_answer(status: int, answer: Any) -> SandboxError:
    """The error for an answer that is not 2xx."""
    said: Mapping[str, Any] = answer if isinstance(answer, dict) else {"message": str(answer)}
    message = str(said.get("message") or f"the sandbox answered {status}")
    kind = NotVerified if status in (408, 417) else SandboxError
    lines = [message, *_near_misses(said.get("near_misses")), *_reasons(said.get("why"))]
    return kind("\n".join(lines), status=status, error=said.get("error"), answer=said)


def _near_misses(near_misses: Any) -> list[str]:
    lines = []
    for near_miss in near_misses or []:
        lines.append(f"  close was {near_miss.get('trace')}, {near_miss.get('request')}:")
        for difference in near_miss.get("differences", []):
            received = difference.get("note") or f"received {_json(difference.get('received'))}"
            look_alike = difference.get("look_alike")
            alike = f" (they look alike: {look_alike})" if look_alike else ""
            expected = _json(difference.get("expected"))
            lines.append(f"    {difference.get('field')}: expected {expected}, {received}{alike}")
    return lines


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _reasons(reasons: Any) -> list[str]:
    return [f"  {reason}" for reason in reasons or []]
