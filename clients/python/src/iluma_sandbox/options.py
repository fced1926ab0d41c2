"""Checks options. A misspelt one would be left out, and a test would check less than it says."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, Iterable, Mapping, Sequence

from .shapes import Fault, Match

#: The names of the conditions for a request.
MATCH = tuple(Match.__annotations__)
_FAULT = tuple(Fault.__annotations__)
#: Conditions that are mappings, in which None means that a value is missing.
_MAPPINGS = ("body", "headers", "query")


def check_match(where: str, match: Mapping[str, Any], also: Iterable[str] = ()) -> None:
    """Raises `TypeError` for unknown conditions of a request, and for conditions that are none.

    ``also`` are the other options of the function ``where``, which may have been meant.
    """
    __tracebackhide__ = True  # pytest shows the line of the test
    _check_names(where, match, MATCH, also)
    for name, value in match.items():
        if name in _MAPPINGS and not isinstance(value, Mapping):
            raise TypeError(f"`{name}` of {where} takes a mapping, and not {value!r}")
        _check_value(where, name, value)


def check_steps(where: str, steps: Any) -> None:
    """The same for the requests of an order."""
    __tracebackhide__ = True  # pytest shows the line of the test
    if not isinstance(steps, Sequence) or isinstance(steps, (str, bytes)):
        raise TypeError(f"{where} takes a list of requests, and not {steps!r}")
    for at, step in enumerate(steps):
        _check_mapping(f"{where}[{at}]", step)
        check_match(f"{where}[{at}]", step)


def check_faults(faults: Sequence[Any]) -> None:
    """The same for faults."""
    __tracebackhide__ = True  # pytest shows the line of the test
    for at, fault in enumerate(faults):
        where = f"faults[{at}]"
        _check_mapping(where, fault)
        _check_names(where, fault, _FAULT, ())
        for name, value in fault.items():
            _check_value(where, name, value)


def _check_names(where: str, options: Mapping[str, Any], known: Sequence[str], also: Iterable[str]) -> None:
    __tracebackhide__ = True  # pytest shows the line of the test
    for name in options:
        if name in known:
            continue
        names = [*known, *also]
        near = get_close_matches(str(name).lower(), names, n=1, cutoff=0.5)
        hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(names)}"
        raise TypeError(f"unknown option `{name}` of {where}: {hint}")


def _check_value(where: str, name: str, value: Any) -> None:
    __tracebackhide__ = True  # pytest shows the line of the test
    if value is None:
        raise TypeError(f"`{name}` of {where} is None: leave it out, or give it a value")


def _check_mapping(where: str, value: Any) -> None:
    __tracebackhide__ = True  # pytest shows the line of the test
    if not isinstance(value, Mapping):
        raise TypeError(f"{where} takes a mapping, and not {value!r}")
