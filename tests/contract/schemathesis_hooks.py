"""What `st run` is told of these applications, beside the document."""

from typing import Any

import schemathesis

from tests.asking import SESSION


@schemathesis.hook
def before_call(_context: Any, case: schemathesis.Case, _kwargs: Any) -> None:
    """Who asks is told by the token alone: a session drawn at random beside it is no test."""
    case.cookies = {n: v for n, v in (case.cookies or {}).items() if n != SESSION}
