"""What is kept is told to admins tier by tier, and pictures are forgotten when they say so."""

import pytest
from conftest import Lab, StartLab
from devstack.testing import SignIdentity
from dicom_files import Made, breast, dicom_bytes

WINDOW = {"WindowCenter": 2000, "WindowWidth": 3000}


@pytest.fixture
def admin(sign_identity: SignIdentity) -> dict[str, str]:
    return {"Authorization": sign_identity("admin")}


async def tiers(lab: Lab, admin: dict[str, str]) -> dict[str, dict[str, int | None]]:
    answer = await lab.client.get("/api/v1/cache", headers=admin)
    assert answer.status_code == 200, answer.text
    return {tier.pop("name"): tier for tier in answer.json()["tiers"]}


async def test_each_tier_says_what_it_keeps_and_had(lab: Lab, admin: dict[str, str]) -> None:
    content = dicom_bytes(breast(), Made(elements=WINDOW))
    lab.put(1, content)
    assert (await tiers(lab, admin))["memory"]["entries"] == 0
    for _ in range(3):
        assert (await lab.get("/1/thumbnail")).status_code == 200
    found = await tiers(lab, admin)
    memory, disk, valkey = found["memory"], found["disk"], found["valkey"]
    assert (memory["entries"], memory["hits"], memory["misses"]) == (1, 2, 1)
    assert 0 < (memory["bytes"] or 0) <= (memory["budget"] or 0) == lab.settings.answer_cache_bytes
    assert (disk["entries"], disk["bytes"], disk["misses"]) == (1, len(content), 1)
    assert disk["budget"] == lab.settings.disk_cache_bytes
    assert (valkey["entries"] or 0) > 0
    assert (valkey["bytes"] or 0) > 0


async def test_pictures_are_forgotten_and_files_stay(lab: Lab, admin: dict[str, str]) -> None:
    lab.put(1, dicom_bytes(breast(), Made(elements=WINDOW)))
    first = await lab.get("/1/thumbnail")
    emptied = await lab.client.delete("/api/v1/cache", headers=admin)
    assert emptied.json() == {"removed": 1}
    assert (await tiers(lab, admin))["memory"]["entries"] == 0
    decodes = lab.counter("decodes")
    again = await lab.get("/1/thumbnail")
    assert again.content == first.content
    assert lab.counter("decodes") == decodes + 1
    disk = (await tiers(lab, admin))["disk"]
    assert (disk["entries"], disk["hits"], disk["misses"]) == (1, 1, 1)


async def test_a_valkey_that_is_away_is_told(start_lab: StartLab, admin: dict[str, str]) -> None:
    alone = await start_lab(cache_url="redis://127.0.0.1:9")
    valkey = (await tiers(alone, admin))["valkey"]
    assert (valkey["entries"], valkey["bytes"], valkey["budget"]) == (None, None, None)
    assert (await alone.client.delete("/api/v1/cache", headers=admin)).status_code == 503


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_only_admins_look_and_empty(lab: Lab, method: str) -> None:
    assert (await lab.client.request(method, "/api/v1/cache")).status_code == 403
