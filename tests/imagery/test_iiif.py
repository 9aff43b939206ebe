"""IIIF Image API 3.0, level 2: the validator of the IIIF consortium, and what it leaves out."""

import asyncio
import random
import urllib.request
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from conftest import Lab
from devstack.testing import SignIdentity
from dicom_files import JPEG_LOSSLESS_SV1, Made, breast, dataset_of, dicom_bytes, written
from imagery.app import create_app
from imagery.iiif.grammar import Facts, MalformedError, image_request
from imagery.iiif.info import image_information
from imagery.sources import FileSources
from numpy.typing import NDArray
from PIL import Image

from tests.gateway.conftest import serving

GREY = Facts(columns=300, rows=500, is_colour=False, max_area=10**6)
COLOUR = Facts(columns=300, rows=500, is_colour=True, max_area=10**6)
WINDOW = {"WindowCenter": 2047, "WindowWidth": 4096}


@pytest.mark.parametrize(
    ("asked", "canonical"),
    [
        ("full/max/0/default.jpg", "full/max/0/default.jpg"),
        ("0,0,300,500/max/0/color.jpg", "full/max/0/default.jpg"),
        ("square/max/90/gray.png", "0,100,300,300/max/90/default.png"),
        ("pct:50,50,25,25/max/0/bitonal.webp", "150,250,75,125/max/0/bitonal.webp"),
        ("200,400,512,512/max/0/default.jpg", "200,400,100,100/max/0/default.jpg"),
        ("full/150,/0/default.jpg", "full/150,250/0/default.jpg"),
        ("full/,250/0/default.jpg", "full/150,250/0/default.jpg"),
        ("full/pct:50/0/default.jpg", "full/150,250/0/default.jpg"),
        ("full/!150,400/0/default.jpg", "full/150,250/0/default.jpg"),
        ("full/!400,250/0/default.jpg", "full/150,250/0/default.jpg"),
        ("full/10,400/270/default.jpg", "full/10,400/270/default.jpg"),
        ("full/300,500/0/default.jpg", "full/max/0/default.jpg"),
        ("0,0,1,499/pct:1/0/default.jpg", "0,0,1,499/1,5/0/default.jpg"),
    ],
)
def test_requests_and_their_canonical_form(asked: str, canonical: str) -> None:
    found = image_request(GREY, *asked.split("/"))
    assert found.canonical == canonical
    again = image_request(GREY, *canonical.split("/"))
    assert again == found


def test_grey_of_a_colour_image_is_a_picture_of_its_own() -> None:
    grey = image_request(COLOUR, "full", "max", "0", "gray.jpg")
    assert (grey.canonical, grey.rendering.tone) == ("full/max/0/gray.jpg", "grey")
    assert image_request(COLOUR, "full", "max", "0", "color.jpg").canonical.endswith("default.jpg")


@pytest.mark.parametrize(
    ("asked", "parameter"),
    [
        ("300,0,10,10/max/0/default.jpg", "region"),
        ("0,0,0,10/max/0/default.jpg", "region"),
        ("pct:100,0,10,10/max/0/default.jpg", "region"),
        ("pct:0,0,0,10/max/0/default.jpg", "region"),
        ("-1,0,10,10/max/0/default.jpg", "region"),
        ("full/full/0/default.jpg", "size"),
        ("full/,/0/default.jpg", "size"),
        ("full/!10,/0/default.jpg", "size"),
        ("full/0,/0/default.jpg", "size"),
        ("full/0,0/0/default.jpg", "size"),
        ("full/!0,10/0/default.jpg", "size"),
        ("full/pct:0/0/default.jpg", "size"),
        ("full/301,/0/default.jpg", "size"),
        ("full/pct:101/0/default.jpg", "size"),
        ("full/^600,/0/default.jpg", "size"),
        ("full/max/45/default.jpg", "rotation"),
        ("full/^max/0/default.jpg", "size"),
        ("full/max/!0/default.jpg", "rotation"),
        ("full/max/!90/default.jpg", "rotation"),
        ("full/max/0/native.jpg", "quality"),
        ("full/max/0/default", "quality"),
        ("full/max/0/default.gif", "format"),
    ],
)
def test_what_means_nothing_is_named(asked: str, parameter: str) -> None:
    with pytest.raises(MalformedError) as refused:
        image_request(GREY, *asked.split("/"))
    assert refused.value.parameter == parameter
    assert refused.value.accepted


def test_a_picture_of_too_many_pixels_is_refused() -> None:
    facts = Facts(2000, 2000, is_colour=False, max_area=10**6)
    with pytest.raises(MalformedError, match="more than"):
        image_request(facts, "full", "max", "0", "default.jpg")
    assert image_request(facts, "full", "1000,", "0", "default.jpg").canonical.startswith("full")


def test_every_size_and_tile_of_the_information_can_be_asked_for() -> None:
    facts = Facts(3328, 4096, is_colour=False, max_area=64 * 2**20)
    told = image_information("http://lab/iiif/3/1", facts)
    assert told["tiles"][0]["scaleFactors"] == [1, 2, 4, 8]
    assert told["sizes"][-1] == {"width": 3328, "height": 4096}
    for size in told["sizes"]:
        image_request(facts, "full", f"{size['width']},{size['height']}", "0", "default.jpg")
    for factor in told["tiles"][0]["scaleFactors"]:
        edge = 512 * factor
        left, top = 3328 // edge * edge % 3328, 4096 // edge * edge % 4096
        width, height = min(edge, 3328 - left), min(edge, 4096 - top)
        size = f"{-(-width // factor)},{-(-height // factor)}"
        image_request(facts, f"{left},{top},{width},{height}", size, "0", "default.jpg")


@pytest.fixture
def signed_in(sign_identity: SignIdentity) -> Iterator[None]:
    """The validator knows no identity: its requests get one on the way out."""
    opener = urllib.request.build_opener()
    opener.addheaders = [("Authorization", sign_identity("reader"))]
    urllib.request.install_opener(opener)
    yield
    urllib.request.install_opener(urllib.request.build_opener())


def validator_image(colours: list[list[tuple[int, int, int]]]) -> bytes:
    """The validator's test image as DICOM: ten by ten squares, [column][row] in its table."""
    squares = np.asarray(colours, np.uint8).transpose(1, 0, 2)
    values = squares.repeat(100, axis=0).repeat(100, axis=1)
    made = Made(elements={"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3})
    dataset = dataset_of(values[..., 0], made)
    dataset.BitsStored, dataset.HighBit, dataset.PlanarConfiguration = 8, 7, 0
    dataset.PixelData = values.tobytes()
    dataset["PixelData"].VR = "OB"
    return written(dataset)


@pytest.mark.usefixtures("signed_in")
async def test_the_validator_passes_at_level_2(lab: Lab, tmp_path: Path) -> None:
    from iiif_validator.validator import ImageAPI, TestSuite, ValidationInfo

    lab.put(7, validator_image(ValidationInfo().colorInfo))
    suite = TestSuite(ValidationInfo())
    names = {n: t for n, t in suite.list_tests("3.0").items() if t["level"] <= 2}
    assert len(names) >= 25
    random.seed(3)

    def run(server: str, name: str) -> Any:
        target = ImageAPI("7", server, "iiif/3", "http", "", "3.0", debug=False)
        suite.run_test(name, target)
        return target.exception

    with serving(create_app(lab.settings, FileSources(tmp_path / "sources.json"))) as url:
        server = url.removeprefix("http://")
        failures = {name: await asyncio.to_thread(run, server, name) for name in names}
    assert {name: str(fault) for name, fault in failures.items() if fault} == {}


def picture(response: httpx.Response) -> NDArray[np.uint8]:
    assert response.status_code == 200, response.text
    with Image.open(BytesIO(response.content)) as found:
        return np.asarray(found)


async def test_a_tile_is_that_part_of_the_rendered_image(lab: Lab) -> None:
    lab.put(1, dicom_bytes(breast(1100, 900), Made(JPEG_LOSSLESS_SV1, elements=WINDOW)))
    whole = picture(await lab.get("/1/rendered?format=png"))
    tile = picture(await lab.client.get("/iiif/3/1/0,512,512,512/max/0/default.png"))
    assert (tile == whole[512:1024, :512]).all()
    half = picture(await lab.client.get("/iiif/3/1/0,0,512,512/256,256/0/default.png"))
    expected = cv2.resize(whole[:512, :512], (256, 256), interpolation=cv2.INTER_AREA)
    assert np.abs(half.astype(int) - expected).max() <= 1
    turned = picture(await lab.client.get("/iiif/3/1/0,512,512,512/max/90/default.png"))
    assert (turned == np.rot90(tile, -1)).all()


async def test_all_tiles_of_an_image_are_one_decode(lab: Lab) -> None:
    lab.put(1, dicom_bytes(breast(1500, 1200), Made(JPEG_LOSSLESS_SV1, elements=WINDOW)))
    paths = [
        f"/iiif/3/1/{x},{y},{min(512, 1200 - x)},{min(512, 1500 - y)}/max/0/default.jpg"
        for x in range(0, 1200, 512)
        for y in range(0, 1500, 512)
    ]
    answers = await asyncio.gather(*(lab.client.get(path) for path in paths))
    assert {answer.status_code for answer in answers} == {200}
    assert (lab.counter("decodes"), lab.counter("fetched_objects")) == (1, 1)


async def test_information_headers_and_conditional_requests(lab: Lab) -> None:
    lab.put(1, dicom_bytes(breast(400, 300), Made(elements=WINDOW)))
    seen = {"x-forwarded-host": "lab.example", "x-forwarded-proto": "https"}
    base = await lab.client.get("/iiif/3/1", headers=seen)
    assert (base.status_code, base.headers["location"]) == (303, "/iiif/3/1/info.json")
    told = await lab.client.get("/iiif/3/1/info.json", headers=seen)
    assert told.headers["content-type"].startswith("application/json")
    assert told.headers["access-control-allow-origin"] == "*"
    assert told.json()["id"] == "https://lab.example/iiif/3/1"
    assert (told.json()["width"], told.json()["height"]) == (300, 400)
    linked = await lab.client.get(
        "/iiif/3/1/info.json", headers={"accept": "application/ld+json", "if-none-match": "*"}
    )
    assert linked.headers["content-type"].startswith("application/ld+json;profile=")
    shown = await lab.client.get("/iiif/3/1/full/150,/0/gray.jpg", headers=seen)
    assert (
        '<https://lab.example/iiif/3/1/full/150,200/0/default.jpg>;rel="canonical"'
        in (shown.headers["link"])
    )
    windowed = await lab.client.get(
        "/iiif/3/1/full/150,/0/gray.jpg", params={"window": "900.5,400", "invert": True}
    )
    assert "/default.jpg?window=900.5,400,linear&invert=true>" in windowed.headers["link"]
    again = await lab.client.get(
        "/iiif/3/1/full/150,200/0/default.jpg", headers={"if-none-match": shown.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")


async def test_faults_are_problems_of_the_right_kind(lab: Lab, sign_identity: SignIdentity) -> None:
    lab.put(1, dicom_bytes(breast(40, 30), Made(elements=WINDOW)))
    lab.put(2, b"not a DICOM file")
    lab.put(3, dicom_bytes(breast(40, 30)), dataset="embed", restricted=True)
    bad = await lab.client.get("/iiif/3/1/full/90,/0/default.jpg")
    assert bad.status_code == 400
    assert bad.json()["errors"][0]["field"] == "size"
    for path in (
        "/iiif/3/nobody/info.json",
        "/iiif/3/99/info.json",
        f"/iiif/3/{'9' * 40}/info.json",
    ):
        assert (await lab.client.get(path)).status_code == 404
    assert (await lab.client.get("/iiif/3/2/info.json")).status_code == 422
    assert (await lab.client.get("/iiif/3/3/full/max/0/default.jpg")).status_code == 403
    stranger = await lab.client.get("/iiif/3/1/info.json", headers={"authorization": ""})
    assert stranger.status_code == 401
    assert stranger.headers["access-control-allow-origin"] == "*"


async def test_a_window_of_ones_own_is_that_of_rendered(lab: Lab) -> None:
    lab.put(1, dicom_bytes(breast(), Made(elements=WINDOW)))
    given = "window=900,400&invert=true"
    tile = await lab.client.get(f"/iiif/3/1/full/max/0/default.png?{given}&v=1")
    whole = await lab.get(f"/1/rendered?{given}&format=png")
    assert tile.status_code == 200, tile.text
    assert tile.headers["cache-control"].endswith("immutable")
    assert np.array_equal(picture(tile), picture(whole))
    own = await lab.client.get("/iiif/3/1/full/max/0/default.png")
    assert not np.array_equal(picture(own), picture(tile))
    refused = await lab.client.get("/iiif/3/1/full/max/0/default.png?window=a")
    assert refused.status_code == 422
