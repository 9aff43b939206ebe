"""The short way of pictures at hand answers as the long way does, and lets nobody past."""

import redis
from conftest import Lab, StartLab
from devstack.testing import SignIdentity
from dicom_files import Made, breast, dicom_bytes

WINDOW = {"WindowCenter": 2047, "WindowWidth": 4096}
PRIVATE = {"dataset": "embed", "restricted": True}


async def test_the_second_answer_needs_no_valkey(lab: Lab, valkey: redis.Redis) -> None:
    lab.put(1, dicom_bytes(breast(), Made(elements=WINDOW)))
    first = await lab.get("/1/thumbnail?v=1")
    asked = valkey.info("stats")["keyspace_hits"] + valkey.info("stats")["keyspace_misses"]
    second = await lab.get("/1/thumbnail?v=1")
    assert valkey.info("stats")["keyspace_hits"] + valkey.info("stats")["keyspace_misses"] == asked
    assert (second.status_code, second.content) == (200, first.content)
    ours = {k: v for k, v in second.headers.items() if k != "x-request-id"}
    assert ours == {k: v for k, v in first.headers.items() if k != "x-request-id"}


async def test_it_is_logged_and_counted_under_its_route(lab: Lab) -> None:
    lab.put(1, dicom_bytes(breast(), Made(elements=WINDOW)))
    await lab.get("/1/thumbnail")
    await lab.get("/1/thumbnail")
    labels = {"method": "GET", "route": "/api/v1/images/{image_id}/thumbnail", "status": "200"}
    assert lab.app.state.registry.get_sample_value("http_requests_total", labels) == 2


async def test_what_the_client_has_is_a_304(lab: Lab) -> None:
    lab.put(1, dicom_bytes(breast(), Made(elements=WINDOW)))
    etag = (await lab.get("/1/thumbnail")).headers["etag"]
    again = await lab.get("/1/thumbnail", **{"if-none-match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)


async def test_accept_is_part_of_the_question(lab: Lab) -> None:
    lab.put(1, dicom_bytes(breast(), Made(elements=WINDOW)))
    for media in ("image/webp", "image/jpeg", "image/webp"):
        assert (await lab.get("/1/thumbnail", accept=media)).headers["content-type"] == media


async def test_nobody_gets_past_identity_or_agreement(
    lab: Lab, sign_identity: SignIdentity
) -> None:
    lab.put(1, dicom_bytes(breast(), Made(elements=WINDOW)), **PRIVATE)
    agreed = sign_identity("reader", agreements=["embed"])
    assert (await lab.get("/1/thumbnail", authorization=agreed)).status_code == 200
    assert (await lab.get("/1/thumbnail")).status_code == 403
    assert (await lab.get("/1/thumbnail", authorization="Bearer x")).status_code == 401
    assert (await lab.get("/1/thumbnail", authorization=agreed)).status_code == 200


async def test_a_changed_object_is_asked_for_again(start_lab: StartLab) -> None:
    lab = await start_lab(source_recheck_s=0)
    lab.put(1, dicom_bytes(breast(seed=1), Made(elements=WINDOW)))
    first = await lab.get("/1/thumbnail")
    lab.put(1, dicom_bytes(breast(seed=2), Made(elements=WINDOW)))
    assert (await lab.get("/1/thumbnail")).content != first.content


async def test_every_way_says_whose_picture_it_is(lab: Lab) -> None:
    lab.put(1, dicom_bytes(breast(), Made(elements=WINDOW)), patient_id="10000001")
    first = await lab.get("/1/thumbnail")
    warm = await lab.get("/1/thumbnail")
    known = await lab.get("/1/thumbnail", **{"if-none-match": first.headers["etag"]})
    rendered = await lab.get("/1/rendered")
    answers = (first, warm, known, rendered)
    assert [answer.status_code for answer in answers] == [200, 200, 304, 200]
    assert {answer.headers["x-audit-subject"] for answer in answers} == {"10000001"}
    assert "x-audit-subject" not in (await lab.get("/2/thumbnail")).headers
