"""Which service answers which public path, and how the gateway treats it there.

A path segment `*` is any one segment, a last `**` is any number of further ones (also none).
Literal segments win over `*`, and `*` over `**`. Nothing else is ever forwarded.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from gateway.credentials import Scope

ServiceName = Literal["catalog", "imagery", "trainer"]
AuditKind = Literal["row", "sum"]

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Route:
    """A public path and its rules.

    ``read``/``change`` are the scopes that safe and other methods need; ``deadline_s`` is until the
    first byte of the answer, ``idle_s`` between two of them (None: as long as it takes);
    ``audit`` says whether each access is a row of the audit log or a part of a minute's sum;
    ``cross_origin`` whether pages of other origins may read it (with an API token of their own).
    """

    pattern: str
    service: ServiceName
    read: Scope = "read"
    change: Scope = "write"
    deadline_s: float = 30.0
    idle_s: float | None = 60.0
    audit: AuditKind | None = None
    action: str | None = None
    cross_origin: bool = False

    @property
    def path(self) -> str:
        """The pattern under the name by which request metrics look for it."""
        return self.pattern

    def scope(self, method: str) -> Scope:
        """The scope that ``method`` needs here."""
        return self.read if method in SAFE else self.change


API = "/api/v1"

ROUTES: tuple[Route, ...] = (
    # catalog
    Route(f"{API}/datasets/**", "catalog", change="admin", deadline_s=120),
    Route(f"{API}/filters/**", "catalog"),
    Route(f"{API}/images/**", "catalog"),
    Route(f"{API}/images/search", "catalog", change="read"),
    Route(f"{API}/facets/**", "catalog", change="read"),
    Route(f"{API}/exams/**", "catalog"),
    Route(f"{API}/patients/**", "catalog"),
    Route(f"{API}/statistics/**", "catalog", change="read"),
    Route(f"{API}/queries/**", "catalog"),
    Route(f"{API}/flags/**", "catalog"),
    Route(f"{API}/recipes/**", "catalog", change="read"),
    Route(f"{API}/cohorts/**", "catalog", deadline_s=120),
    Route(f"{API}/cohorts/preview", "catalog", change="read", deadline_s=120),
    Route(
        f"{API}/cohorts/*/export/**",
        "catalog",
        read="export",
        change="export",
        deadline_s=120,
        audit="row",
        action="cohort.export",
    ),
    Route("/compat/embed-server/**", "catalog", change="read"),
    # imagery
    Route(f"{API}/images/*/thumbnail", "imagery", audit="sum", action="image.thumbnail"),
    Route(f"{API}/images/*/rendered", "imagery", audit="sum", action="image.rendered"),
    Route(f"{API}/images/*/pixels", "imagery", audit="sum", action="image.pixels"),
    Route(f"{API}/images/*/header", "imagery", audit="sum", action="image.header"),
    Route(f"{API}/images/*/rois/**", "imagery", audit="sum", action="image.roi"),
    Route(f"{API}/images/*/dicom", "imagery", read="export", audit="row", action="image.original"),
    Route(
        f"{API}/cohorts/*/archive/**",
        "imagery",
        read="export",
        change="export",
        deadline_s=120,
        audit="row",
        action="cohort.archive",
    ),
    Route(f"{API}/cohorts/*/warming", "imagery"),
    Route("/iiif/3/**", "imagery", audit="sum", action="image.tile", cross_origin=True),
    Route("/dicomweb/**", "imagery", audit="sum", action="dicomweb", cross_origin=True),
    *(
        Route(
            pattern,
            "imagery",
            read="export",
            idle_s=120,
            audit="row",
            action="dicomweb.original",
            cross_origin=True,
        )
        for pattern in (
            "/dicomweb/studies/*",
            "/dicomweb/studies/*/series/*",
            "/dicomweb/studies/*/series/*/instances/*",
        )
    ),
    # trainer
    Route(f"{API}/experiments/**", "trainer"),
    Route(f"{API}/jobs/**", "trainer"),
    Route(f"{API}/jobs/events", "trainer", idle_s=None),
    Route(f"{API}/jobs/*/predict/**", "trainer", deadline_s=120),
    Route(
        f"{API}/jobs/*/artifacts/*",
        "trainer",
        read="export",
        audit="row",
        action="job.artifact",
    ),
    Route(f"{API}/models/**", "trainer"),
    Route(f"{API}/workers/**", "trainer"),
)


@dataclass
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    any_one: "_Node | None" = None
    rest: Route | None = None
    end: Route | None = None


class RouteTable:
    """Finds the route of a path, in time proportional to the path's segments."""

    def __init__(self, routes: Iterable[Route] = ROUTES) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in route.pattern.split("/")[1:]:
            if segment == "**":
                node.rest = route
                return
            if segment == "*":
                node.any_one = node.any_one or _Node()
                node = node.any_one
            else:
                node = node.literals.setdefault(segment, _Node())
        node.end = route

    def find(self, path: str) -> Route | None:
        """The route of a decoded path, or None where it is not a service's."""
        return _find(self._root, path.split("/"), 1)


def _find(node: _Node, segments: list[str], at: int) -> Route | None:
    if at == len(segments):
        return node.end or node.rest
    literal = node.literals.get(segments[at])
    found = _find(literal, segments, at + 1) if literal else None
    if found is None and node.any_one and segments[at]:
        found = _find(node.any_one, segments, at + 1)
    return found or node.rest
