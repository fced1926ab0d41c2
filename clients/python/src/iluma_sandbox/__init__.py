"""A local sandbox of the Iluma KYC API for tests: one process, and a separate world for each test.

>>> from iluma_sandbox import Sandbox
>>> with Sandbox.start(seed=7) as sandbox:
...     world = sandbox.world("my test")
...     _ = world.next("v1.1/bank_account_data_requests", "SERVER_ERROR")
...     ...  # the code under test asks `world.url` with `world.api_key`
...     world.verify(endpoint="v1.1/bank_account_data_requests", exactly=0)
[]
"""

from .errors import NotVerified, SandboxError
from .inbox import Inbox
from .sandbox import DOCUMENTED_API_KEY, Sandbox
from .shapes import (
    Attempt,
    Delivery,
    Duration,
    Ended,
    Fault,
    Match,
    Page,
    Queued,
    RateLimit,
    Received,
    Request,
)
from .world import World

__all__ = [
    "DOCUMENTED_API_KEY",
    "Attempt",
    "Delivery",
    "Duration",
    "Ended",
    "Fault",
    "Inbox",
    "Match",
    "NotVerified",
    "Page",
    "Queued",
    "RateLimit",
    "Received",
    "Request",
    "Sandbox",
    "SandboxError",
    "World",
]
