#!/usr/bin/env python3
"""Uses BINARY as developers, test suites and pipelines use a server:

    packaging/train.py BINARY

`profile.sh` runs it with an instrumented binary. The profile tells the compiler which code is used often, seldom and never.
Other commands are not used, because they need not be fast."""

import base64
import hashlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import urllib.request
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent
STARTS = 20
NEW_CONNECTIONS = 1000
CONNECTIONS = 64
ROUNDS = 600  # each with one request on every connection
SECONDS_MAX = 60  # for one reply
KEY = "iluma_development_FX4f0M5sxDgk5qFyZnk60ZengAfA9o31x3ecd29vihjc4VhyJ8FclZhHjjw"
SCREENING = "/v0/identity/individual_cft_peps"
BANK = "/v1.1/identity/bank_account_data_requests"
ACCOUNT = {"bank_account_number": "1234567890", "bank_code": "BCA"}
PERSON = {
    "given_names": "Eko Hadi Salim",
    "user_id": "foo123",
    "nationality": "ID",
    "score_threshold": 90,
    "scopes": ["PEP"],
}
OWN_OUTCOME = """
extends = "v1.1/bank_account_data_requests"

[outcomes.OWN_REVIEW]
when = { "input.bank_account_number" = "7000000001" }
body.result = { is_found = true }
"""


class Sandbox:
    """A running sandbox with a port of its own. With one core it runs other code than with several."""

    def __init__(self, binary, *flags, has_one_core):
        command = [binary, "serve", "--port", "0", "--format", "json", *flags]
        take_one_core = set_one_core if has_one_core and hasattr(os, "sched_setaffinity") else None
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, preexec_fn=take_one_core
        )
        self.url = json.loads(self.process.stdout.readline())["url"]
        self.address = ("127.0.0.1", int(self.url.rsplit(":", 1)[1]))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        # The profile is written when the process ends by itself.
        if code := self.process.wait():
            sys.exit(f"train.py: the sandbox ended with exit code {code}")

    def connect(self):
        return socket.create_connection(self.address, timeout=SECONDS_MAX)

    def control(self, path, value=None, method=None):
        body = None if value is None else json.dumps(value).encode()
        asked = urllib.request.Request(f"{self.url}/__sandbox/{path}", body, {"authorization": basic(KEY)}, method=method)
        with urllib.request.urlopen(asked, timeout=SECONDS_MAX) as reply:
            reply.read()


def set_one_core():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def basic(key):
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


def request(method, path, body=b"", content_type="application/json", key=KEY, **headers):
    """The bytes of a request. A body of another type than bytes is sent as JSON."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "host: localhost", f"authorization: {basic(key)}"]
    if body:
        lines += [f"content-type: {content_type}", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def read_status(stream):
    """Reads a reply to its end."""
    status = int(stream.readline().split()[1])
    length = 0
    while (line := stream.readline()) != b"\r\n":
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    stream.read(length)
    return status


def load(sandbox, requests, rounds, expected=None):
    """Sends the requests in turns on many connections that stay open."""
    connections = [sandbox.connect() for _ in range(CONNECTIONS)]
    streams = [connection.makefile("rb") for connection in connections]
    for number in range(rounds):
        for place, connection in enumerate(connections):
            connection.sendall(requests[(number + place) % len(requests)])
        for stream in streams:
            check(read_status(stream), expected)
    for connection in connections:
        connection.close()


def connect_anew(sandbox, request, times):
    """As curl does: each request has a connection of its own."""
    for _ in range(times):
        with sandbox.connect() as connection:
            connection.sendall(request)
            check(read_status(connection.makefile("rb")), 200)


def check(status, expected):
    """A profile of requests that fail by mistake would be worth nothing."""
    if expected not in (None, status):
        sys.exit(f"train.py: a reply has status {status}, not {expected}")


def documented(binary):
    """The requests of the Postman collection: every endpoint and outcome."""
    collection = subprocess.run([binary, "postman"], check=True, capture_output=True, text=True).stdout
    collection = collection.replace("{{base_url}}", "").replace("{{$guid}}", str(uuid.uuid4()))

    def walk(folder):
        for item in folder.get("item", []):
            yield from walk(item)
            if about := item.get("request"):
                body = about.get("body", {}).get("raw", "").encode()
                headers = {header["key"]: header["value"] for header in about["header"]}
                headers.pop("content-type", None)
                yield request(about["method"], about["url"]["raw"], body, **headers)

    return list(walk(json.loads(collection)))


def upload():
    """An id card to verify with a selfie, as multipart form data."""
    selfie = (ROOT / "examples/selfie.png").read_bytes()
    body = b""
    for name, more, value in [
        ("name", "", b"Testy McTest"),
        ("id_card_number", "", b"1234567890123456"),
        ("selfie", '; filename="selfie.png"\r\ncontent-type: image/png', selfie),
    ]:
        body += f'--end\r\ncontent-disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + value + b"\r\n"
    path = "/v0/identity/id_card_verifications"
    return request("POST", path, body + b"--end--\r\n", "multipart/form-data; boundary=end")


def development_key(number):
    return "iluma_development_" + hashlib.sha256(str(number).encode()).hexdigest()


def main(binary):
    magic = [
        request("POST", SCREENING, PERSON, x_magic_reply="COMPLETED_FOUND"),
        request("POST", BANK, ACCOUNT, x_magic_reply="COMPLETED_NOT_FOUND"),
    ]
    plain = [
        request("POST", SCREENING, PERSON),
        request("POST", BANK, ACCOUNT),
        request("POST", SCREENING, PERSON | {"nationality": "XX"}),
        request("POST", SCREENING, b"given_names=Eko&user_id=1", "application/x-www-form-urlencoded"),
        request("GET", f"{SCREENING}/cftpi_934b0e7e-2ae8-441d-86af-6304b74d504f"),
        request("GET", "/v1/callback/urls"),
        request("GET", "/health"),
    ]
    worlds = [request("POST", SCREENING, PERSON, key=development_key(number)) for number in range(CONNECTIONS)]

    for number in range(STARTS):
        with Sandbox(binary, "--log-format", "off", has_one_core=number % 2 == 0) as sandbox:
            connect_anew(sandbox, magic[0], 1)
    with Sandbox(binary, "--log-format", "off", has_one_core=True) as sandbox:
        load(sandbox, magic, ROUNDS, 200)
    with tempfile.TemporaryDirectory() as folder, Sandbox(binary, "--scenarios", folder, has_one_core=False) as sandbox:
        load(sandbox, magic, ROUNDS, 200)
        load(sandbox, plain, ROUNDS // 4)
        load(sandbox, documented(binary), ROUNDS // 8)
        load(sandbox, worlds, ROUNDS // 8, 200)
        load(sandbox, [upload()], ROUNDS // 64, 200)
        connect_anew(sandbox, magic[0], NEW_CONNECTIONS)
        url = f"{sandbox.url}/__sandbox/inbox/received"
        sandbox.control("callback_urls", {"type": "INDIVIDUAL_CFT_PEP", "url": url}, "PUT")
        load(sandbox, magic[:1], ROUNDS // 64, 200)
        sandbox.control("idle?wait=60s")
        pathlib.Path(folder, "own.toml").write_text(OWN_OUTCOME)
        for path in ["requests", "deliveries", "worlds", "coverage", "export", "metrics", "clock"]:
            sandbox.control(path)
        sandbox.control("reset", {})


if __name__ == "__main__":
    main(str(pathlib.Path(sys.argv[1]).resolve()))
