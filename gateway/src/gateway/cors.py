"""Pages of other origins: preflights, and refusals that such a page may read (Fetch, CORS).

Any origin may read the routes that say so, but none with a person's cookie: `*` forbids
credentials, so a page elsewhere needs an API token. The service itself marks its own answers.
"""

from collections.abc import Mapping

from chassis.problems import Problem
from starlette.responses import Response

from gateway.routes import Route

ANYONE: Mapping[str, str] = {"Access-Control-Allow-Origin": "*"}
PREFLIGHT: Mapping[str, str] = {
    **ANYONE,
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Accept, If-None-Match, Range",
    "Access-Control-Max-Age": "86400",
}


def is_preflight(route: Route | None, method: str) -> bool:
    """Whether a browser asks what another origin may do here; that needs no identity."""
    return route is not None and route.cross_origin and method == "OPTIONS"


def preflight_response() -> Response:
    """What it may do."""
    return Response(status_code=204, headers=dict(PREFLIGHT))


def readable(problem: Problem, route: Route | None) -> Problem:
    """``problem``, which the page may read where it could have read the answer."""
    if route is not None and route.cross_origin:
        problem.headers = {**problem.headers, **ANYONE}
    return problem
