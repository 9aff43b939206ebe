"""Rates between processes, readiness, metrics, and what happens when a server is away."""

import contextlib
import socket
import threading
import time

import httpx
import pytest
from redis import Redis
from sqlalchemy import make_url

from tests.gateway.conftest import Gateway, StartGateway

NOWHERE = "http://127.0.0.1:9"


def test_a_person_s_requests_are_limited(start_gateway: StartGateway) -> None:
    client = start_gateway(person_requests_per_minute=20).signed_in()
    answers = [client.get("/api/v1/filters") for _ in range(45)]
    limited = [answer for answer in answers if answer.status_code == 429]
    assert limited, "45 requests fall into two minutes at most"
    assert 1 <= int(limited[0].headers["retry-after"]) <= 60
    assert limited[0].headers["content-type"] == "application/problem+json"


def test_processes_share_their_counts(
    start_gateway: StartGateway, valkey: "Redis", valkey_url: str
) -> None:
    here, there = (
        start_gateway(cache_url=valkey_url, person_requests_per_minute=40) for _ in range(2)
    )
    client = here.signed_in()
    other = there.anonymous()
    other.headers["Cookie"] = f"embedlab_session={client.cookies['embedlab_session']}"
    if time.time() % 60 > 50:
        time.sleep(11)  # the counts of one minute
    for _ in range(39):
        client.get("/api/v1/filters")
    time.sleep(0.6)
    other.get("/api/v1/filters")
    time.sleep(0.6)
    assert 429 in [other.get("/api/v1/filters").status_code for _ in range(3)]


def test_without_a_cache_limits_fail_open_and_say_so(
    start_gateway: StartGateway, caplog: pytest.LogCaptureFixture
) -> None:
    client = start_gateway(cache_url="redis://127.0.0.1:9/0").signed_in()
    time.sleep(0.6)
    assert client.get("/api/v1/filters").status_code == 200
    time.sleep(0.6)
    said = [record for record in caplog.records if record.message == "limits are per process"]
    assert len(said) == 1


def test_strangers_are_limited_by_address(start_gateway: StartGateway) -> None:
    client = start_gateway(address_requests_per_minute=10).anonymous()
    statuses = [client.get("/api/v1/me").status_code for _ in range(25)]
    assert set(statuses) == {401, 429}


def test_readiness_names_every_dependency(
    start_gateway: StartGateway, valkey_url: str, valkey: "Redis"
) -> None:
    client = start_gateway(cache_url=valkey_url).anonymous()
    answer = client.get("/readyz")
    assert answer.status_code == 200
    named = {"database", "cache", "catalog", "imagery", "trainer"}
    assert set(answer.json()["dependencies"]) == named


@pytest.mark.parametrize("name", ["catalog", "imagery", "trainer"])
def test_readiness_names_the_service_that_is_away(start_gateway: StartGateway, name: str) -> None:
    client = start_gateway(**{f"{name}_url": NOWHERE}).anonymous()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    states = {k: v["state"] for k, v in answer.json()["dependencies"].items()}
    assert [k for k, state in states.items() if state == "failed"] == [name]
    assert client.get("/livez").status_code == 200


def test_metrics_are_for_admins_and_name_routes_not_ids(gateway: Gateway) -> None:
    client = gateway.signed_in("admin")
    client.get("/api/v1/images/123456789/thumbnail")
    text = client.get("/metrics").text
    assert 'route="/api/v1/images/*/thumbnail"' in text
    assert "123456789" not in text
    for measure in ('service_cut_off{service="trainer"} 0.0', "audit_rows_waiting"):
        assert measure in text
    assert gateway.anonymous().get("/metrics").status_code == 401


class Relay:
    """Stands between a gateway and its database, and can be cut."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            self._open += [near, far]
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        """Refuse new connections and break the open ones."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def test_a_database_that_is_away_is_a_503_and_spares_who_is_known(
    start_gateway: StartGateway, database_url: str
) -> None:
    url = make_url(database_url)
    relay = Relay(url.host or "", url.port or 5432)
    through = url.set(host="127.0.0.1", port=relay.port).render_as_string(hide_password=False)
    gateway = start_gateway(access_cache_seconds=30, database_url=through)
    client = gateway.signed_in()
    assert client.get("/api/v1/filters").status_code == 200
    relay.cut()
    assert client.get("/api/v1/filters").status_code == 200
    for answer in (
        httpx.get(f"{gateway.url}/api/v1/me", headers={"Authorization": "Bearer elab_unknown"}),
        client.get("/api/v1/tokens"),
        client.post("/api/v1/session", json={"email": "a@b", "password": "p"}),
    ):
        assert answer.status_code == 503, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    assert client.get("/readyz").json()["dependencies"]["database"]["state"] == "failed"
