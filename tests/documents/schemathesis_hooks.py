"""Tells schemathesis about the sandbox: its text formats, and when a 5xx is not an error."""

import schemathesis
from hypothesis import strategies as st

dates = st.dates().filter(lambda date: date.year >= 1000)
schemathesis.openapi.format("country", st.sampled_from(["ID", "SG", "US", "MY"]))
schemathesis.openapi.format("calendar-date", dates.map(lambda date: date.isoformat()))
schemathesis.openapi.format("day-month-year", dates.map(lambda date: date.strftime("%d-%m-%Y")))
schemathesis.openapi.format("e164", st.from_regex(r"\A\+[1-9][0-9]{7,14}\Z"))
schemathesis.openapi.format("base64", st.sampled_from(["aGk=", "iVBORw0KGgo=", "AAAA"]))
schemathesis.openapi.format("bank-code", st.sampled_from(["BCA", "ID_BCA", "MANDIRI"]))
schemathesis.openapi.format("binary", st.binary(max_size=200))


@schemathesis.check
def only_asked_for_server_errors(ctx, response, case):
    """A 5xx is correct only if `x-magic-reply` asks for it."""
    if response.status_code < 500:
        return
    asked = str((case.headers or {}).get("x-magic-reply", "")).split(";")[0].strip().upper()
    outcome = response.headers.get("x-sandbox-outcome", [""])[0]
    if not asked or not outcome.upper().endswith("/" + asked):
        raise AssertionError(f"{response.status_code} as {outcome!r}, asked for was {asked!r}")
