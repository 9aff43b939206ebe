"""The parts that need no server."""

import re
from pathlib import Path

import pytest
from chassis.problems import Problem
from gateway.access import credentials_of
from gateway.breaker import Breaker
from gateway.credentials import csrf_matches, csrf_token
from gateway.headers import forwarded, policy_for, returned
from gateway.limits import Limiter
from gateway.passwords import hash_password, verify_password
from gateway.routes import ROUTES, RouteTable
from gateway.settings import Settings

TABLE = RouteTable()


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/api/v1/images", "catalog"),
        ("/api/v1/images/search", "catalog"),
        ("/api/v1/images/7", "catalog"),
        ("/api/v1/images/7/thumbnail", "imagery"),
        ("/api/v1/images/7/rois/2", "imagery"),
        ("/api/v1/images/7/flags", "catalog"),
        ("/api/v1/cohorts/c/members", "catalog"),
        ("/api/v1/cohorts/c/export", "catalog"),
        ("/api/v1/cohorts/c/archive", "imagery"),
        ("/api/v1/jobs/events", "trainer"),
        ("/api/v1/jobs/j/artifacts/weights.safetensors", "trainer"),
        ("/iiif/3/7/full/max/0/default.jpg", "imagery"),
        ("/dicomweb/studies", "imagery"),
        ("/compat/embed-server/filters", "catalog"),
        ("/api/v1/me", None),
        ("/api/v1/jobsx", None),
        ("/api/v1/imagesx/7", None),
        ("/api/v2/images", None),
        ("/internal/v1/image-sources", None),
        ("/openapi.json", None),
        ("/metrics", None),
        ("/", None),
    ],
)
def test_paths_go_to_their_service(path: str, service: str | None) -> None:
    route = TABLE.find(path)
    assert (route.service if route else None) == service


def test_a_pattern_stands_once() -> None:
    patterns = [route.pattern for route in ROUTES]
    assert len(patterns) == len(set(patterns))


def test_event_streams_may_be_silent_and_nothing_else() -> None:
    assert [route.pattern for route in ROUTES if route.idle_s is None] == ["/api/v1/jobs/events"]


def test_what_leaves_the_house_needs_the_export_scope_and_a_row() -> None:
    for path in (
        "/api/v1/images/7/dicom",
        "/api/v1/cohorts/c/export",
        "/api/v1/cohorts/c/archive",
        "/api/v1/jobs/j/artifacts/weights",
        "/dicomweb/studies/1",
        "/dicomweb/studies/1/series/2",
        "/dicomweb/studies/1/series/2/instances/3",
    ):
        route = TABLE.find(path)
        assert route is not None
        assert (route.read, route.audit) == ("export", "row")


def test_what_dicomweb_shows_is_read_and_summed() -> None:
    instance = "/dicomweb/studies/1/series/2/instances/3"
    for path in (
        "/dicomweb/studies",
        "/dicomweb/studies/1/series",
        "/dicomweb/studies/1/metadata",
        "/dicomweb/studies/1/series/2/instances",
        *(f"{instance}/{end}" for end in ("metadata", "frames/1", "rendered", "thumbnail")),
    ):
        route = TABLE.find(path)
        assert route is not None
        assert (route.read, route.audit, route.cross_origin) == ("read", "sum", True)


def test_other_origins_read_pictures_and_nothing_else() -> None:
    open_to_all = {route.pattern for route in ROUTES if route.cross_origin}
    assert all(pattern.startswith(("/iiif/3/", "/dicomweb/")) for pattern in open_to_all)


def test_forwarded_headers_keep_their_order_and_repetitions() -> None:
    raw = [(b"accept", b"a"), (b"x-a", b"1"), (b"x-a", b"2"), (b"cookie", b"c"), (b"te", b"t")]
    assert forwarded(raw) == [("accept", "a"), ("x-a", "1"), ("x-a", "2")]


def test_connection_cannot_take_out_the_end_of_a_body() -> None:
    raw = [(b"Connection", b"close, X-Own"), (b"X-Own", b"1"), (b"Content-Type", b"t")]
    assert returned(raw) == [(b"content-type", b"t")]


def test_a_service_s_own_policy_stays() -> None:
    assert policy_for([(b"content-security-policy", b"default-src data:")]) is None
    assert policy_for([(b"content-type", b"image/png")]) is not None


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], (None, None)),
        ([(b"cookie", b"a=b; embedlab_session=s; c=d")], ("s", None)),
        ([(b"cookie", b"xembedlab_session=s")], (None, None)),
        ([(b"cookie", b"embedlab_session=")], (None, None)),
        ([(b"authorization", b"Bearer elab_t")], (None, "elab_t")),
        (
            [(b"cookie", b"embedlab_session=s"), (b"authorization", b"bearer elab_t")],
            (None, "elab_t"),
        ),
    ],
)
def test_credentials_are_read_from_headers(
    headers: list[tuple[bytes, bytes]], expected: tuple[str | None, str | None]
) -> None:
    found = credentials_of(headers)
    assert (found.session, found.token) == expected


def test_csrf_tokens_belong_to_their_session() -> None:
    assert csrf_matches("one", csrf_token("one"))
    assert not csrf_matches("one", csrf_token("two"))
    assert not csrf_matches("one", None)
    assert not csrf_matches("one", "é")


def test_passwords_are_argon2id_and_normalised() -> None:
    kept = hash_password("Ångström-passage")
    assert kept.startswith("$argon2id$")
    assert verify_password("A\u030angstro\u0308m-passage", kept)
    assert not verify_password("Angstrom-passage", kept)
    assert not verify_password("nobody has this password", None)


class Clock:
    """Time that a test moves."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_a_breaker_opens_and_tries_one_request_a_pause() -> None:
    clock = Clock()
    breaker = Breaker(threshold=3, pause_s=1.0, clock=clock)
    for _ in range(3):
        assert breaker.allows()
        breaker.failed()
    assert not breaker.allows()
    clock.now = 1.0
    assert breaker.allows()
    assert not breaker.allows(), "one at a time"
    breaker.succeeded()
    assert breaker.allows()


def test_single_failures_do_not_open_a_breaker() -> None:
    breaker = Breaker(threshold=2, clock=Clock())
    for _ in range(5):
        breaker.failed()
        breaker.succeeded()
        assert breaker.allows()


def test_a_limit_holds_for_its_minute_and_key() -> None:
    clock = Clock(60_000.0)
    limiter = Limiter(None, clock)
    for _ in range(3):
        limiter.count("a", 3)
    with pytest.raises(Problem) as caught:
        limiter.count("a", 3)
    assert caught.value.headers["Retry-After"] == "60"
    limiter.count("b", 3)
    clock.now += 60
    limiter.count("a", 3)


def test_every_setting_is_documented() -> None:
    readme = (Path(__file__).parents[2] / "gateway" / "README.md").read_text()
    documented = set(re.findall(r"`GATEWAY_([A-Z_]+)`", readme))
    declared = {name.upper() for name in Settings.model_fields}
    assert documented == declared
    undescribed = [n for n, field in Settings.model_fields.items() if not field.description]
    assert undescribed == []
