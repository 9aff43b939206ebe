"""Pixels become squares, once, and are found again."""

from pathlib import Path

import numpy as np
import pytest
from trainer.birads import UNKNOWN
from trainer.catalog import Member, UpstreamError, open_http
from trainer.cohorts import MemberTable, assemble
from trainer.fetching import ImageryClient, fetch_pixels, is_lasting
from trainer.pixels import MISSING, BadPixelsError, Geometry, PixelArray, array_folder
from trainer.samples import SamplesError

CROP, PAD = Geometry(8, "crop"), Geometry(8, "pad")


def picture(height: int, width: int) -> np.ndarray:
    return np.arange(height * width, dtype=np.uint8).reshape(height, width)


def test_a_crop_is_the_centre() -> None:
    tall = picture(12, 8)
    assert (CROP.square(tall) == tall[2:10]).all()
    wide = picture(8, 11)
    assert (CROP.square(wide) == wide[:, 1:9]).all()
    assert CROP.query == {"short_edge": "8", "depth": "8", "format": "npy"}


def test_a_padded_picture_keeps_the_chest_wall_at_the_left() -> None:
    tall = picture(8, 5) + 1
    square = PAD.square(tall)
    assert (square[:, :5] == tall).all()
    assert (square[:, 5:] == 0).all()
    flat = picture(4, 8) + 1
    assert (PAD.square(flat)[2:6] == flat).all()
    assert PAD.query == {"viewport": "8,8", "depth": "8", "format": "npy"}


@pytest.mark.parametrize(
    ("geometry", "wrong"),
    [
        (CROP, picture(12, 9)),
        (PAD, picture(9, 8)),
        (CROP, picture(8, 8).astype(np.uint16)),
        (CROP, np.zeros((8, 8, 3), np.uint8)),
    ],
)
def test_what_was_not_asked_for_is_refused(geometry: Geometry, wrong: np.ndarray) -> None:
    with pytest.raises(BadPixelsError):
        geometry.square(wrong)


def test_fetching_goes_on_where_it_stopped(tmp_path: Path) -> None:
    array = PixelArray.open(tmp_path / "a", 5, 8)
    writer = array.writer()
    for place in (0, 3):
        writer.put(place, picture(12, 8), CROP.square(picture(12, 8)))
    writer.put_missing(1)
    writer.flush()
    unflushed = array.writer()
    unflushed.put(2, picture(12, 8), CROP.square(picture(12, 8)))
    again = PixelArray.open(tmp_path / "a", 5, 8)
    assert again.waiting().tolist() == [1, 2, 4], "missing and unflushed ones are asked for again"
    assert (again.images[3] == CROP.square(picture(12, 8))).all()
    assert again.shapes[3].tolist() == [12, 8]


def test_the_digest_is_kept_only_of_a_complete_array(tmp_path: Path) -> None:
    array = PixelArray.open(tmp_path / "a", 1, 8)
    before = array.sha256()
    writer = array.writer()
    writer.put(0, picture(8, 8), picture(8, 8))
    writer.flush()
    complete = array.sha256()
    assert complete != before
    assert (tmp_path / "a" / "manifest.json").exists()
    assert PixelArray.open(tmp_path / "a", 1, 8).sha256() == complete


def test_a_half_written_array_is_made_anew(tmp_path: Path) -> None:
    PixelArray.open(tmp_path / "a", 4, 8)
    (tmp_path / "a" / "images.npy").write_bytes(b"\x93NUMPY")
    assert len(PixelArray.open(tmp_path / "a", 4, 8).waiting()) == 4


def test_folders_are_named_by_what_they_hold(tmp_path: Path) -> None:
    def folder(dataset: str, revision: str, uids: list[str], geometry: Geometry) -> Path:
        return array_folder(tmp_path, dataset, revision, uids, geometry)

    base = folder("embed", "1", ["a", "b"], CROP)
    assert folder("embed", "1", ["a", "b"], CROP) == base
    others = {
        folder("other", "1", ["a", "b"], CROP),
        folder("embed", "2", ["a", "b"], CROP),
        folder("embed", "1", ["b", "a"], CROP),
        folder("embed", "1", ["a", "b"], PAD),
        folder("embed", "1", ["a", "b"], Geometry(9, "crop")),
    }
    assert len(others | {base}) == 6


def make_table(count: int) -> MemberTable:
    table = MemberTable(("B", "K"))
    for place in range(count):
        table.add(
            Member(
                image_id=100 + place,
                sop_instance_uid=f"1.{place}",
                patient_id=f"p{place // 2}",
                exam_id=f"e{place // 2}",
                label="BK"[place % 2],
                split=["train", "validation", "test"][place % 3],
                attributes={"Manufacturer": "Hologic", "asses": "K"},
            )
        )
    return table


def test_missing_images_are_left_out_and_told_within_the_tolerance(tmp_path: Path) -> None:
    table, array = make_table(10), PixelArray.open(tmp_path / "a", 10, 8)
    array.shapes[:] = (12, 8)
    array.states[:] = 1
    array.states[4] = MISSING
    samples = assemble(table, array, tolerance=0.1)
    assert len(samples.rows) == 9
    assert "104" not in samples.keys
    assert samples.notes == ("1 of 10 images are missing or unreadable (104) and were left out",)
    assert set(samples.header) == {"Manufacturer", "aspect"}, "labels never become features"
    with pytest.raises(SamplesError, match=r"1 of 10 .*\(104\): 10\.0%"):
        assemble(table, array, tolerance=0.05)


def test_images_without_an_assessment_cannot_be_told_to_a_network(tmp_path: Path) -> None:
    table, array = make_table(6), PixelArray.open(tmp_path / "a", 6, 8)
    array.shapes[:], array.states[:] = (12, 8), 1
    table.birads[2] = UNKNOWN
    told = assemble(table, array, 0.0, birads=True)
    assert told.birads is not None
    assert told.birads.tolist() == [6] * 5
    assert told.notes == (
        "1 images have no BI-RADS assessment to tell the network and were left out",
    )
    untold = assemble(table, array, 0.0)
    assert untold.birads is None
    assert len(untold.rows) == 6
    assert told.sha256 != untold.sha256
    table.birads[:] = [UNKNOWN] * 6
    with pytest.raises(SamplesError, match="no image of the cohort has"):
        assemble(table, array, 0.0, birads=True)


def test_an_image_with_two_labelled_findings_is_stored_once() -> None:
    table = make_table(4)
    twin = table.image_ids[0]
    table.add(
        Member(
            image_id=twin,
            sop_instance_uid="1.0",
            patient_id="p0",
            exam_id="e0",
            label="K",
            split="train",
        )
    )
    assert len(table.image_ids) == 4
    assert table.rows == [0, 1, 2, 3, 0]


async def test_imagery_that_is_away_is_no_missing_image(tmp_path: Path) -> None:
    array = PixelArray.open(tmp_path / "a", 3, 8)
    async with open_http() as http:
        client = ImageryClient(http, "http://127.0.0.1:9", lambda: "token", tries=1)
        with pytest.raises(UpstreamError) as caught:
            await fetch_pixels(client, array, [1, 2, 3], CROP, 2, lambda done, total: None)
    assert caught.value.is_transient
    assert len(array.waiting()) == 3


@pytest.mark.parametrize(
    ("status", "kind", "lasting"),
    [
        (404, "about:blank", True),
        (422, "urn:embedlab:unreadable-image", True),
        (502, "urn:embedlab:source-missing", True),
        (502, "urn:embedlab:source-unreachable", False),
        (503, "about:blank", False),
        (403, "about:blank", False),
        (0, "", False),
    ],
)
def test_what_will_not_be_had_later_either(status: int, kind: str, lasting: bool) -> None:
    assert is_lasting(UpstreamError("imagery", status, "", kind)) is lasting
