"""A client for the control API of a sandbox."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from typing import Any, Mapping, Optional
from urllib.parse import quote, urlencode, urlsplit

from .errors import SandboxError, of_answer

#: Longer than any answer takes: a request waits 60 s at most, and an advance waits for receivers.
TIMEOUT_S = 600.0


def authorization(api_key: str) -> str:
    """The header that chooses the world of a key."""
    return "Basic " + base64.b64encode(f"{api_key}:".encode()).decode()


class Control:
    """The control API, for one world or, without a key, for none.

    Each call has its own connection. No proxy is used, even if the environment names one.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: Optional[str] = None,
        control_token: Optional[str] = None,
        ca_pem: Optional[str] = None,
    ) -> None:
        self.url = url
        self.control_token = control_token
        #: The certificate authority to trust if ``url`` is https, in addition to those of the system.
        self.ca_pem = ca_pem
        self._headers = {"accept": "application/json"}
        if api_key is not None:
            self._headers["authorization"] = authorization(api_key)
        if control_token is not None:
            self._headers["x-sandbox-control-token"] = control_token

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Optional[Mapping[str, Any]] = None,
        body: Optional[Mapping[str, Any]] = None,
    ) -> Any:
        """The answer of ``/__sandbox/{path}``: JSON if it is JSON, else text.

        Raises `SandboxError` with the sandbox's message if it refuses.
        """
        __tracebackhide__ = True  # pytest shows the line of the test
        parameters = {name: _text(name, value) for name, value in (query or {}).items()}
        target = f"/__sandbox/{quote(path)}" + (f"?{urlencode(parameters)}" if parameters else "")
        headers = dict(self._headers)
        payload = None
        if body is not None:
            payload = json.dumps(body)
            headers["content-type"] = "application/json"
        status, content_type, text = self._exchange(method, target, payload, headers)
        answer = json.loads(text) if content_type.startswith("application/json") else text
        if not 200 <= status < 300:
            raise of_answer(status, answer)
        return answer

    def _exchange(
        self, method: str, target: str, body: Optional[str], headers: Mapping[str, str]
    ) -> tuple[int, str, str]:
        where = urlsplit(self.url)
        secure = where.scheme == "https"
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=TIMEOUT_S)
        if secure:
            trust = ssl.create_default_context()
            if self.ca_pem is not None:
                trust.load_verify_locations(cadata=self.ca_pem)
            connection = http.client.HTTPSConnection(
                where.hostname or "", where.port, timeout=TIMEOUT_S, context=trust
            )
        try:
            connection.request(method, target, body and body.encode(), dict(headers))
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
            return answer.status, answer.headers.get("content-type", ""), text
        except (OSError, http.client.HTTPException) as error:
            raise SandboxError(f"the sandbox at {self.url} does not answer: {error!r}") from error
        finally:
            connection.close()


def _text(name: str, value: Any) -> str:
    if value is None:
        raise TypeError(f"`{name}` of query is None: leave it out, or give it a value")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
