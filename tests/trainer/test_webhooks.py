"""Another server is told of a job's end; nobody else is, whatever a job names."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from chassis.problems import Problem
from devstack.testing import SignIdentity
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from trainer import webhooks
from trainer.app import create_app
from trainer.settings import TrainerSettings
from trainer.webhooks import CheckedResolver, Rules, WebhookRefused, settle

from tests.trainer.running import serving

SECRET = "a secret"
RULES = Rules(("hooks.lab.example", "*.trusted.example"), ())


@pytest.mark.parametrize(
    "url",
    [
        "ftp://hooks.lab.example/x",
        "https://elsewhere.example/",
        "https://trusted.example.evil.example/",
        "https://user:word@hooks.lab.example/",
        "https://hooks.lab.example:0/",
        "https://hooks.lab.example:99999/",
        "//hooks.lab.example/",
        "https://[::1/",
        "hooks.lab.example",
    ],
)
def test_an_address_that_is_not_allowed_is_refused_at_submit(url: str) -> None:
    with pytest.raises(Problem) as refused:
        RULES.check_url(url)
    assert refused.value.errors[0].field == "webhook"


@pytest.mark.parametrize("url", ["https://HOOKS.lab.example/x?y=1", "http://a.trusted.example:81"])
def test_an_allowed_address_is_taken(url: str) -> None:
    RULES.check_url(url)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.7",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:127.0.0.1",
    ],
)
def test_an_inner_address_is_called_only_where_a_setting_names_its_network(address: str) -> None:
    with pytest.raises(WebhookRefused):
        RULES.check_address(address)
    network = "::/0" if ":" in address and "ffff" not in address else "0.0.0.0/0"
    open_rules = Rules((), (webhooks.ipaddress.ip_network(network),))
    open_rules.check_address(address)
    RULES.check_address("93.184.215.14")


async def test_a_name_that_resolves_inward_is_refused_whole() -> None:
    with pytest.raises(WebhookRefused, match="is not public"):
        await CheckedResolver(RULES).resolve("localhost", 80)


def test_calls_are_repeated_and_then_given_up() -> None:
    states = [settle(n, 500, "answered 500")["state"] for n in range(1, 7)]
    assert states == ["pending"] * 4 + ["failed"] * 2
    assert settle(3, 204, None)["state"] == "delivered"


class Receiver:
    """Another server: keeps what it is told, answers as it is told to."""

    def __init__(self) -> None:
        self.seen: list[tuple[dict[str, str], bytes]] = []
        self.visited: list[str] = []
        self.answers = [200]
        routes = [Route("/hook", self.hook, methods=["POST"]), Route("/inner", self.inner)]
        self.app = Starlette(routes=routes)

    async def hook(self, request: Request) -> Response:
        self.seen.append((dict(request.headers), await request.body()))
        status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if status == 302:
            return RedirectResponse("/inner", status_code=302)
        return Response(status_code=status)

    async def inner(self, request: Request) -> Response:
        self.visited.append(request.url.path)
        return Response()


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[Receiver, str]]:
    found = Receiver()
    async with serving(found.app) as url:
        yield found, url


async def submit_and_cancel(
    settings: TrainerSettings, headers: dict[str, str], array: str, url: str, **allowed: str
) -> dict[str, Any]:
    """A job that has ended and whose webhook is no longer pending."""
    told = settings.model_copy(update={"webhook_secret": SECRET, **allowed})
    async with (
        serving(create_app(told)) as base,
        httpx.AsyncClient(base_url=base, headers=headers, timeout=30) as api,
    ):
        body = {"experiment": "labelled-array", "array": array, "overrides": {"input_size": 32}}
        answer = await api.post("/api/v1/jobs", json=body | {"webhook": url})
        assert answer.status_code == 201, answer.text
        path = f"/api/v1/jobs/{answer.json()['job_id']}"
        await api.post(f"{path}/cancel")
        for _ in range(600):
            job: dict[str, Any] = (await api.get(path)).json()
            if job["webhook"]["state"] != "pending":
                return job
            await asyncio.sleep(0.1)
    raise AssertionError(job["webhook"])


async def test_an_end_is_told_signed_and_recorded(
    settings: TrainerSettings,
    sign_identity: SignIdentity,
    receiver: tuple[Receiver, str],
    blobs: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(webhooks, "RETRIES_S", (0, 0))
    found, base = receiver
    found.answers = [302, 200]
    headers = {"Authorization": sign_identity("researcher")}
    local = {"webhook_hosts": "127.0.0.1", "webhook_networks": "127.0.0.0/8"}
    url = f"{base}/hook?token=hidden"
    job = await submit_and_cancel(settings, headers, blobs, url, **local)
    assert job["webhook"] == {
        "url": f"{base}/hook", "state": "delivered", "attempts": 2, "status": 200, "error": None,
    }  # fmt: skip
    assert found.visited == [], "redirects are not followed"
    told, body = found.seen[-1]
    assert json.loads(body)["job_id"] == job["job_id"]
    assert json.loads(body)["state"] == "cancelled"
    signed = told["x-embedlab-timestamp"].encode() + b"." + body
    digest = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert told["x-embedlab-signature"] == f"sha256={digest}"


async def test_an_allowed_host_at_an_inner_address_is_not_called(
    settings: TrainerSettings,
    sign_identity: SignIdentity,
    receiver: tuple[Receiver, str],
    blobs: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(webhooks, "RETRIES_S", ())
    found, base = receiver
    headers = {"Authorization": sign_identity("researcher")}
    url = base.replace("127.0.0.1", "localhost") + "/hook"
    job = await submit_and_cancel(settings, headers, blobs, url, webhook_hosts="localhost")
    assert job["webhook"]["state"] == "failed"
    assert "is not public" in job["webhook"]["error"]
    assert found.seen == []
