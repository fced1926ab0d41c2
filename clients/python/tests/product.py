"""Asks the product as an application would."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from email.message import Message
from typing import Any, Mapping, NamedTuple, Optional

from iluma_sandbox import World

BANK = "v1.1/bank_account_data_requests"
BANK_PATH = "/v1.1/identity/bank_account_data_requests"
BANK_CALLBACK = "NAME_VALIDATOR_REQUEST"

_without_proxies = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Reply(NamedTuple):
    status: int
    headers: Message[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def ask(
    world: World, path: str, body: Optional[Mapping[str, Any]] = None, *, magic: Optional[str] = None
) -> Reply:
    """A POST where there is a body, else a GET."""
    headers = {"authorization": world.authorization}
    if magic is not None:
        headers["x-magic-reply"] = magic
    data = None
    if body is not None:
        headers["content-type"] = "application/json"
        data = json.dumps(body).encode()
    request = urllib.request.Request(world.url + path, data=data, headers=headers)
    try:
        with _without_proxies.open(request, timeout=60) as answer:
            return Reply(answer.status, answer.headers, answer.read().decode())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return Reply(refusal.code, refusal.headers, refusal.read().decode())


def account(number: int) -> Mapping[str, Any]:
    """What asks for the holder of an account."""
    return {"bank_account_number": str(number), "bank_code": "BCA"}


def register(world: World, url: str) -> None:
    """Where the world's bank callbacks go; the sandbox sends a test there first."""
    reply = ask(world, "/v1/callback/urls", {"type": BANK_CALLBACK, "url": url})
    assert reply.json["status"] == "SUCCESSFUL", reply.text
