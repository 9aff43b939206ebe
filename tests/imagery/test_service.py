"""The service over HTTP, with real S3 and Valkey."""

import asyncio
import io
import json

import cv2
import httpx
import numpy as np
import pydicom
import pytest
from conftest import Lab, StartLab
from devstack.testing import SignIdentity
from dicom_files import JPEG_2000_LOSSLESS, JPEG_LOSSLESS_SV1, Made, breast, dicom_bytes, slow_file
from numpy.typing import NDArray


def picture(response: httpx.Response) -> NDArray[np.generic]:
    assert response.status_code == 200, response.text
    found = cv2.imdecode(np.frombuffer(response.content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert found is not None
    return found


WINDOW = {"WindowCenter": 2047, "WindowWidth": 4096}


async def test_thumbnail_is_a_jpeg_of_the_asked_size(lab: Lab) -> None:
    lab.put(1, dicom_bytes(breast(512, 384), Made(elements=WINDOW)))
    response = await lab.get("/1/thumbnail?size=128")
    assert response.headers["content-type"] == "image/jpeg"
    assert picture(response).shape == (128, 96)


async def test_thumbnail_is_webp_for_who_asks_for_it(lab: Lab) -> None:
    lab.put(1, dicom_bytes(breast(), Made(elements=WINDOW)))
    response = await lab.get("/1/thumbnail", accept="image/webp")
    assert response.headers["content-type"] == "image/webp"
    assert picture(response).shape[:2] == (256, 192)


@pytest.mark.parametrize("syntax", [JPEG_LOSSLESS_SV1, JPEG_2000_LOSSLESS])
async def test_rendered_is_the_windowed_image(lab: Lab, syntax: str) -> None:
    values = breast()
    content = dicom_bytes(values, Made(syntax, elements=WINDOW))
    lab.put(1, content)
    response = await lab.get("/1/rendered")
    assert response.headers["content-type"] == "image/png"
    dataset = pydicom.dcmread(io.BytesIO(content))
    expected = pydicom.pixels.apply_windowing(values, dataset) / 4095 * 255
    assert np.abs(picture(response) - expected).max() <= 1


async def test_pixels_are_an_array_with_the_chest_wall_left(lab: Lab) -> None:
    values = breast(512, 384, right=True)
    lab.put(1, dicom_bytes(values, Made(elements=WINDOW | {"PatientOrientation": ["P", "F"]})))
    response = await lab.get("/1/pixels?short_edge=96&depth=8&format=npy")
    found = np.load(io.BytesIO(response.content))
    assert (found.shape, found.dtype) == ((128, 96), np.uint8)
    assert response.headers["x-mirrored"] == "true"
    assert found[:, :20].mean() > 2 * found[:, -20:].mean()
    as_stored = await lab.get("/1/pixels?short_edge=96&depth=8&orient=as-stored")
    assert as_stored.headers["x-mirrored"] == "false"
    assert as_stored.headers["x-chest-wall"] == "right"
    assert (np.load(io.BytesIO(as_stored.content)) == found[:, ::-1]).all()


async def test_sixteen_bit_png_keeps_twelve_bits_apart(lab: Lab) -> None:
    ramp = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    exact = WINDOW | {"WindowCenter": 2047.5, "WindowWidth": 4095, "VOILUTFunction": "LINEAR_EXACT"}
    lab.put(1, dicom_bytes(ramp, Made(elements=exact)))
    found = picture(await lab.get("/1/pixels?depth=16&format=png&orient=as-stored"))
    assert found.dtype == np.uint16
    assert (np.rint(found / 65535 * 4095) == ramp).all()


async def test_header_lists_the_elements(lab: Lab) -> None:
    lab.put(1, dicom_bytes(breast(), Made(elements=WINDOW)))
    found = (await lab.get("/1/header")).json()
    by_keyword = {element["keyword"]: element for element in found["elements"]}
    assert by_keyword["Modality"]["value"] == "MG"
    assert by_keyword["PatientOrientation"]["value"] == ["A", "F"]
    assert found["transfer_syntax"]["name"] == "Explicit VR Little Endian"
    assert "PixelData" not in by_keyword


async def test_dicom_is_the_original(lab: Lab, sign_identity: SignIdentity) -> None:
    content = dicom_bytes(breast())
    lab.put(1, content)
    response = await lab.get("/1/dicom")
    assert response.content == content
    assert response.headers["content-length"] == str(len(content))
    refused = await lab.get("/1/dicom", authorization=sign_identity("reader"))
    assert refused.status_code == 403


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [("bytes=0-99", 0, 100), ("bytes=500-", 500, None), ("bytes=-10", -10, None)],
)
async def test_dicom_by_range(lab: Lab, asked: str, start: int, stop: int | None) -> None:
    content = dicom_bytes(breast())
    lab.put(1, content)
    response = await lab.get("/1/dicom", range=asked)
    assert (response.status_code, response.content) == (206, content[start:stop])
    first, last = range(len(content))[start:stop][0], range(len(content))[start:stop][-1]
    assert response.headers["content-range"] == f"bytes {first}-{last}/{len(content)}"
    etag = response.headers["etag"]
    same = await lab.get("/1/dicom", **{"range": asked, "if-range": etag})
    assert same.status_code == 206
    changed = await lab.get("/1/dicom", **{"range": asked, "if-range": '"other"'})
    assert (changed.status_code, changed.content) == (200, content)


async def test_dicom_outside_the_file(lab: Lab) -> None:
    lab.put(1, dicom_bytes(breast()))
    response = await lab.get("/1/dicom", range="bytes=9999999-")
    assert response.status_code == 416
    assert response.headers["content-range"].startswith("bytes */")
    for no_range in ("bytes=5-2", "bytes=0-1,3-4", "pages=1-2", "bytes=-"):
        assert (await lab.get("/1/dicom", range=no_range)).status_code == 200


async def test_etag_and_304(lab: Lab) -> None:
    lab.put(1, dicom_bytes(breast(), Made(elements=WINDOW)))
    first = await lab.get("/1/thumbnail")
    again = await lab.get("/1/thumbnail", **{"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = await lab.get("/1/thumbnail?size=64", **{"if-none-match": first.headers["etag"]})
    assert other.status_code == 200
    assert "immutable" not in first.headers["cache-control"]
    versioned = await lab.get("/1/thumbnail?v=7")
    assert versioned.headers["cache-control"] == "private, max-age=31536000, immutable"


async def test_many_cold_requests_are_one_fetch_and_one_decode(lab: Lab) -> None:
    content = dicom_bytes(breast(1024, 768), Made(elements=WINDOW))
    lab.put(1, content)
    answers = await asyncio.gather(*(lab.get("/1/thumbnail") for _ in range(64)))
    assert {a.status_code for a in answers} == {200}
    assert len({a.content for a in answers}) == 1
    assert lab.counter("fetched_bytes") == len(content)
    assert lab.counter("decodes") == 1


async def test_windows_of_one_image_decode_it_once(lab: Lab) -> None:
    lab.put(1, dicom_bytes(breast(), Made(JPEG_LOSSLESS_SV1, elements=WINDOW)))
    paths = [f"/1/rendered?window={center},1000" for center in range(500, 2500, 250)]
    answers = await asyncio.gather(*(lab.get(path) for path in paths))
    assert len({a.content for a in answers}) == len(paths)
    assert lab.counter("decodes") == 1


async def test_unknown_image(lab: Lab) -> None:
    response = await lab.get("/404/thumbnail")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


async def test_missing_object_says_so_and_is_remembered_briefly(start_lab: StartLab) -> None:
    lab = await start_lab(failure_ttl_s=1)
    lab.put(1, None)
    response = await lab.get("/1/thumbnail")
    assert response.status_code == 502
    assert response.json()["type"] == "urn:embedlab:source-missing"
    lab.put(1, dicom_bytes(breast()))
    assert (await lab.get("/1/thumbnail")).status_code == 502
    await asyncio.sleep(1.1)
    assert (await lab.get("/1/thumbnail")).status_code == 200


async def test_broken_file_is_a_422_that_says_what_is_wrong(lab: Lab) -> None:
    lab.put(1, b"no dicom at all")
    response = await lab.get("/1/thumbnail")
    assert response.status_code == 422
    assert response.json()["detail"] == "not a DICOM file"
    lab.put(2, dicom_bytes(breast())[:-1000])
    cut = await lab.get("/2/rendered")
    assert cut.status_code == 422
    assert cut.json()["errors"][0]["field"] == "PixelData"


async def test_restricted_images_need_the_agreement(lab: Lab, sign_identity: SignIdentity) -> None:
    lab.put(1, dicom_bytes(breast()), dataset="embed", restricted=True)
    agreed = sign_identity("reader", agreements=["embed"])
    for who, status in (
        (sign_identity("admin"), 403),
        (agreed, 200),
        (sign_identity("admin"), 403),
    ):
        response = await lab.get("/1/thumbnail", authorization=who)
        assert response.status_code == status
    unsigned = await lab.get("/1/thumbnail", authorization="Bearer nothing")
    assert unsigned.status_code == 401


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("rendered?window=1", "window"),
        ("rendered?window=a,b", "window"),
        ("rendered?window=nan,5", "window"),
        ("rendered?window=100,0", "window"),
        ("rendered?window=100,10,cubic", "window"),
        ("rendered?viewport=10", "viewport"),
        ("rendered?viewport=0,10", "viewport"),
        ("rendered?viewport=16000,16000", "viewport"),
        ("rendered?frame=2", "frame"),
        ("rendered?orient=up", "orient"),
        ("rendered?format=tiff", "format"),
        ("rendered?quality=0", "quality"),
        ("thumbnail?size=5000", "size"),
        ("pixels?depth=12", "depth"),
        ("pixels?short_edge=256&viewport=1,1", "viewport"),
        ("pixels?format=jpeg", "format"),
        ("rendered?rois=maybe", "rois"),
    ],
)
async def test_bad_parameters_are_named(lab: Lab, query: str, field: str) -> None:
    lab.put(1, dicom_bytes(breast()))
    response = await lab.get(f"/1/{query}")
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == field


async def test_not_acceptable(lab: Lab) -> None:
    lab.put(1, dicom_bytes(breast()))
    assert (await lab.get("/1/rendered", accept="application/json")).status_code == 406


async def test_mirror_files_are_served_and_only_those(lab: Lab) -> None:
    root = lab.settings.mirror_root
    assert root is not None
    root.mkdir()
    inside, outside = root / "a file.dcm", root.parent / "outside.dcm"
    for path in (inside, outside):
        path.write_bytes(dicom_bytes(breast(), Made(elements=WINDOW)))
    (root / "link.dcm").symlink_to(outside)
    lab.put(1, None, uri=inside.as_uri())
    lab.put(2, None, uri=outside.as_uri())
    lab.put(3, None, uri=(root / "link.dcm").as_uri())
    lab.put(4, None, uri=f"{root.as_uri()}/../outside.dcm")
    lab.put(5, None, uri="http://127.0.0.1/x.dcm")
    assert picture(await lab.get("/1/thumbnail")).shape == (256, 192)
    for image_id in (2, 3, 4, 5):
        response = await lab.get(f"/{image_id}/thumbnail")
        assert (response.status_code, response.json()["type"]) == (
            502,
            "urn:embedlab:source-not-allowed",
        )


async def test_changed_object_is_seen_after_the_recheck(start_lab: StartLab) -> None:
    lab = await start_lab(source_recheck_s=0)
    lab.put(1, dicom_bytes(breast(seed=1), Made(elements=WINDOW)))
    first = await lab.get("/1/rendered")
    lab.put(1, dicom_bytes(breast(seed=2), Made(elements=WINDOW)))
    second = await lab.get("/1/rendered", **{"if-none-match": first.headers["etag"]})
    assert second.status_code == 200
    assert second.content != first.content


async def test_without_valkey_pictures_are_the_same(lab: Lab, start_lab: StartLab) -> None:
    lab.put(1, dicom_bytes(breast(), Made(elements=WINDOW)))
    expected = (await lab.get("/1/rendered")).content
    alone = await start_lab(cache_url="redis://127.0.0.1:9")
    assert (await alone.get("/1/rendered")).content == expected
    assert (await alone.get("/1/rendered")).content == expected
    ready = (await alone.client.get("/readyz")).json()
    assert ready["dependencies"]["cache"]["state"] == "failed"


async def test_unreachable_store(start_lab: StartLab) -> None:
    lab = await start_lab(s3_endpoint_url="http://127.0.0.1:9")
    lab.put(1, dicom_bytes(breast()))
    response = await lab.get("/1/thumbnail")
    assert (response.status_code, response.json()["type"]) == (
        502,
        "urn:embedlab:source-unreachable",
    )


async def test_wrong_keys(start_lab: StartLab) -> None:
    lab = await start_lab(s3_secret_access_key="wrong")
    lab.put(1, dicom_bytes(breast()))
    response = await lab.get("/1/thumbnail")
    assert (response.status_code, response.json()["type"]) == (502, "urn:embedlab:source-forbidden")


async def test_full_queue_is_a_503_with_retry_after(start_lab: StartLab) -> None:
    lab = await start_lab(queue=1)
    for image_id in range(1, 13):
        lab.put(image_id, dicom_bytes(breast(1024, 768), Made(JPEG_LOSSLESS_SV1)))
    answers = await asyncio.gather(*(lab.get(f"/{i}/rendered") for i in range(1, 13)))
    statuses = {a.status_code for a in answers}
    assert statuses == {200, 503}
    refused = next(a for a in answers if a.status_code == 503)
    assert int(refused.headers["retry-after"]) > 0
    assert (await lab.get("/1/rendered")).status_code == 200


async def test_a_file_that_decodes_for_ever_is_found_out_once(start_lab: StartLab) -> None:
    lab = await start_lab(deadline_s=0.4)
    lab.put(1, slow_file())
    response = await lab.get("/1/rendered")
    assert response.status_code in (422, 504)
    until = asyncio.get_running_loop().time() + 10
    while (again := await lab.get("/1/rendered")).status_code != 422:
        assert asyncio.get_running_loop().time() < until
    assert "longer than" in again.json()["detail"]
    decodes = lab.counter("decodes")
    assert (await lab.get("/1/rendered")).status_code == 422
    assert lab.counter("decodes") == decodes


async def test_readiness_names_each_dependency(start_lab: StartLab) -> None:
    lab = await start_lab(s3_endpoint_url="http://127.0.0.1:9")
    found = (await lab.client.get("/readyz")).json()["dependencies"]
    assert {name: one["state"] for name, one in found.items()} == {
        "objects": "failed",
        "disk": "ok",
        "cache": "ok",
        "decoders": "ok",
    }


async def test_metrics_count(lab: Lab) -> None:
    lab.put(1, dicom_bytes(breast(), Made(elements=WINDOW)))
    first = await lab.get("/1/thumbnail")
    await lab.get("/1/thumbnail")
    await lab.get("/1/thumbnail", **{"If-None-Match": first.headers["ETag"]})
    lab.app.state.imagery._recent.clear()  # as after a restart: Valkey and the disk still have it
    await lab.get("/1/thumbnail")
    await lab.get("/1/header")
    text = (await lab.client.get("/metrics")).text
    hits = {"caller": 1, "memory": 1, "valkey": 1, "disk": 1}
    misses = {"memory": 3, "valkey": 2, "disk": 1}
    for name, found in (("hits", hits), ("misses", misses)):
        for tier, count in found.items():
            assert f'imagery_{name}_total{{tier="{tier}"}} {count}.0' in text
    assert json.loads((await lab.client.get("/readyz")).text)["state"] == "ready"


async def test_a_file_of_another_image_is_refused(lab: Lab) -> None:
    right, wrong = "1.2.3.4", "1.2.3.5"
    told = {**WINDOW, "SOPInstanceUID": wrong}
    lab.put(1, dicom_bytes(breast(), Made(elements=told)), sop_instance_uid=right)
    for path in ("thumbnail", "rendered", "pixels", "header", "dicom"):
        response = await lab.get(f"/1/{path}")
        assert response.status_code == 422, path
        assert response.json()["type"] == "urn:embedlab:source-other-instance"
    assert lab.counter("fetched_objects") == 1
    lab.put(2, b"no DICOM file at all", sop_instance_uid=right)
    assert (await lab.get("/2/dicom")).content == b"no DICOM file at all"
    content = dicom_bytes(breast(), Made(elements=told | {"SOPInstanceUID": right}))
    lab.put(1, content, sop_instance_uid=right)
    lab.app.state.imagery.objects._failure_s = 0  # forget it at once
    assert (await lab.get("/1/dicom")).content == content
    assert (await lab.get("/1/thumbnail")).status_code == 200


async def test_instances_are_compared_only_where_that_is_wanted(start_lab: StartLab) -> None:
    lab = await start_lab(check_instances=False)
    lab.put(1, dicom_bytes(breast(), Made(elements=WINDOW)), sop_instance_uid="1.2.3")
    assert (await lab.get("/1/thumbnail")).status_code == 200
