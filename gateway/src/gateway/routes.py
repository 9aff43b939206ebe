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
    ``audit`` says whether each look is a row of the audit log or a part of a minute's sum, and
    ``action`` is its name there. What needs another scope than a look is a change: always a row.
    ``cross_origin`` whether pages of other origins may read it (with an API token of their own).
    """

    pattern: str
    service: ServiceName
    action: str
    read: Scope = "read"
    change: Scope = "write"
    deadline_s: float = 30.0
    idle_s: float | None = 60.0
    audit: AuditKind | None = None
    cross_origin: bool = False

    @property
    def path(self) -> str:
        """The pattern under the name by which request metrics look for it."""
        return self.pattern

    def scope(self, method: str) -> Scope:
        """The scope that ``method`` needs here."""
        return self.read if method in SAFE else self.change

    def audited(self, method: str) -> AuditKind | None:
        """How the audit log keeps an access by ``method``."""
        return self.audit if self.scope(method) == self.read else "row"

    def action_of(self, method: str) -> str:
        """The access's name in the audit log: `image.original`, `cohort.change`."""
        if self.scope(method) == self.read:
            return self.action
        return f"{self.action.partition('.')[0]}.change"


API = "/api/v1"

# What services beside the catalog keep of a dataset: a purge asks each to remove it.
PURGED_ELSEWHERE: dict[str, ServiceName] = {"pictures": "imagery", "jobs": "trainer"}

ROUTES: tuple[Route, ...] = (
    # catalog
    Route(f"{API}/datasets/**", "catalog", "dataset.read", change="admin", deadline_s=120),
    *(
        Route(f"{API}/datasets/*/{part}", service, "dataset.read", change="admin", deadline_s=120)
        for part, service in PURGED_ELSEWHERE.items()
    ),
    Route(f"{API}/filters/**", "catalog", "filter.read"),
    Route(f"{API}/images/**", "catalog", "record.read", audit="sum"),
    Route(f"{API}/images/search", "catalog", "record.read", change="read", audit="sum"),
    Route(f"{API}/facets/**", "catalog", "statistics.read", change="read", audit="sum"),
    Route(f"{API}/exams/**", "catalog", "record.read", audit="sum"),
    Route(f"{API}/patients/**", "catalog", "record.read", audit="sum"),
    Route(f"{API}/statistics/**", "catalog", "statistics.read", change="read", audit="sum"),
    Route(f"{API}/queries/**", "catalog", "query.read", audit="sum"),
    Route(f"{API}/flags/**", "catalog", "flag.read"),
    Route(f"{API}/recipes/**", "catalog", "recipe.read", change="read"),
    Route(f"{API}/cohorts/**", "catalog", "cohort.read", deadline_s=120, audit="sum"),
    Route(f"{API}/cohorts/preview", "catalog", "cohort.read", change="read", deadline_s=120),
    Route(
        f"{API}/cohorts/*/export/**",
        "catalog",
        "cohort.export",
        read="export",
        change="export",
        deadline_s=120,
        audit="row",
    ),
    Route("/compat/embed-server/**", "catalog", "record.read", change="read", audit="sum"),
    # imagery
    Route(f"{API}/images/*/thumbnail", "imagery", "image.thumbnail", audit="sum"),
    Route(f"{API}/images/*/rendered", "imagery", "image.rendered", audit="sum"),
    Route(f"{API}/images/*/pixels", "imagery", "image.pixels", audit="sum"),
    Route(f"{API}/images/*/header", "imagery", "image.header", audit="sum"),
    Route(f"{API}/images/*/rois/**", "imagery", "image.roi", audit="sum"),
    Route(f"{API}/images/*/dicom", "imagery", "image.original", read="export", audit="row"),
    Route(
        f"{API}/cohorts/*/archive/**",
        "imagery",
        "cohort.archive",
        read="export",
        change="export",
        deadline_s=120,
        audit="row",
    ),
    Route(f"{API}/cohorts/*/warming", "imagery", "warming.read"),
    Route(f"{API}/cache", "imagery", "cache.read", change="admin"),
    Route("/iiif/3/**", "imagery", "image.tile", audit="sum", cross_origin=True),
    Route("/dicomweb/**", "imagery", "dicomweb.read", audit="sum", cross_origin=True),
    *(
        Route(
            pattern,
            "imagery",
            "dicomweb.original",
            read="export",
            idle_s=120,
            audit="row",
            cross_origin=True,
        )
        for pattern in (
            "/dicomweb/studies/*",
            "/dicomweb/studies/*/series/*",
            "/dicomweb/studies/*/series/*/instances/*",
        )
    ),
    # trainer
    Route(f"{API}/experiments/**", "trainer", "experiment.read"),
    Route(f"{API}/jobs/**", "trainer", "job.read", audit="sum"),
    Route(f"{API}/jobs/events", "trainer", "job.watch", idle_s=None),
    Route(f"{API}/jobs/*/predict/**", "trainer", "job.predict", deadline_s=120),
    Route(f"{API}/jobs/*/artifacts/*", "trainer", "job.artifact", read="export", audit="row"),
    Route(f"{API}/models/**", "trainer", "model.read", audit="sum"),
    Route(f"{API}/jobs/*/explanations/*", "trainer", "job.explain", deadline_s=120, audit="sum"),
    Route(f"{API}/evaluations", "trainer", "evaluation.create", deadline_s=120),
    Route(f"{API}/workers/**", "trainer", "worker.read"),
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
