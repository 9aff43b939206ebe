"""The files: their keys, headers and pixels agree with the tables."""

import ast
from pathlib import Path

import numpy as np
import pytest
from devstack.synthetic import write_dicoms
from devstack.synthetic.dicom import dicom_bytes, image_uids, stored_pixels, value_range
from devstack.synthetic.encoding import SYNTAX_SHARES, choose_syntax, encode_pixels
from devstack.synthetic.paths import object_key
from devstack.synthetic.records import ImageJob, finding_kind, lesions_of
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID

from .conftest import Pictures
from .test_pixels import contrast_at


def _brightness(job: ImageJob) -> np.ndarray:
    """Stored pixels back in brightness, chest wall left."""
    row = job.row
    stored = stored_pixels(job).astype(np.float32)
    if row["PhotometricInterpretation"] == "MONOCHROME1":
        stored = 2 ** int(float(row["BitsStored"])) - 1 - stored
    low, high = value_range(row)
    light = np.clip((stored - low) / (high - low), 0, 1)
    return light[:, ::-1] if _is_mirrored(row) else light


def _is_mirrored(row: dict[str, str]) -> bool:
    if row["PatientOrientation"]:
        return bool(ast.literal_eval(row["PatientOrientation"])[0] == "P")
    return row["FieldOfViewHorizontalFlip"] == "YES" or row["ImageLateralityFinal"] == "R"


def test_every_row_has_its_file_at_the_key_that_the_path_names(pictures: Pictures) -> None:
    keys = {object_key(job.row["anon_dicom_path"]) for job in pictures.jobs}
    files = {str(p.relative_to(pictures.folder)) for p in pictures.folder.rglob("*.dcm")}
    assert files == keys
    assert len(files) > 60
    key = next(iter(keys)).split("/")
    assert key[0] == "images"
    assert key[1] in {"cohort_1", "cohort_2"}


def test_a_foreign_path_has_no_key() -> None:
    with pytest.raises(ValueError, match="not an anon_dicom_path"):
        object_key("/elsewhere/1.dcm")


def test_headers_agree_with_the_rows(pictures: Pictures) -> None:
    for job in pictures.jobs:
        row, file = job.row, pictures.file(job)
        assert (file.Rows, file.Columns) == (int(float(row["Rows"])), int(float(row["Columns"])))
        assert file.Manufacturer == row["Manufacturer"]
        assert file.PhotometricInterpretation == row["PhotometricInterpretation"]
        assert (file.BitsAllocated, file.BitsStored) == (16, int(float(row["BitsStored"])))
        assert file.HighBit == file.BitsStored - 1
        assert (file.PatientID, file.AccessionNumber) == (row["empi_anon"], row["acc_anon"])
        uids = file.StudyInstanceUID, file.SeriesInstanceUID, file.SOPInstanceUID
        assert uids == image_uids(row)
        assert file.get("ViewPosition", "") == row["ViewPosition"]
        assert ("WindowCenter" in file) == bool(row["WindowCenter"])
        if row["PatientOrientation"]:
            assert list(file.PatientOrientation) == ast.literal_eval(row["PatientOrientation"])
        spacing = ast.literal_eval(row["ImagerPixelSpacing"])
        assert [float(v) for v in file.ImagerPixelSpacing] == spacing
        assert file.ViewCodeSequence[0].CodeMeaning == row["0_ViewCodeSequence_CodeMeaning"]
        assert not [e for e in file if e.tag.group == 0x300A]


def test_all_three_transfer_syntaxes_occur_and_decode_to_the_drawn_pixels(
    pictures: Pictures,
) -> None:
    seen = set()
    for job in pictures.jobs:
        file = pictures.file(job)
        seen.add(str(file.file_meta.TransferSyntaxUID))
        np.testing.assert_array_equal(file.pixel_array, stored_pixels(job))
    assert seen == {str(syntax) for syntax, _ in SYNTAX_SHARES}


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("syntax", [str(syntax) for syntax, _ in SYNTAX_SHARES])
def test_each_syntax_is_lossless(syntax: str, bits: int) -> None:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 2**bits, (61, 47), dtype=np.uint16)
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, bits, bits - 1
    dataset.SamplesPerPixel, dataset.PixelRepresentation = 1, 0
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.PixelData = encode_pixels(pixels, syntax, bits)
    np.testing.assert_array_equal(dataset.pixel_array, pixels)


def test_syntaxes_are_chosen_in_their_shares() -> None:
    chosen = [choose_syntax(share) for share in np.linspace(0, 1, 1000, endpoint=False)]
    for syntax, share in SYNTAX_SHARES:
        assert chosen.count(str(syntax)) / 1000 == pytest.approx(share, abs=0.002)


def test_the_chest_wall_is_where_the_orientation_says(pictures: Pictures) -> None:
    for job in pictures.jobs:
        light = _brightness(job)
        columns = light.shape[1]
        left, right = (light > 0.02)[:, : columns // 4], (light > 0.02)[:, -columns // 4 :]
        assert left.mean() > right.mean()


def test_padding_value_is_the_background(pictures: Pictures) -> None:
    padded = [job for job in pictures.jobs if job.row["PixelPaddingValue"]]
    assert padded
    for job in padded:
        value = int(float(job.row["PixelPaddingValue"]))
        light = _brightness(job)
        stored = stored_pixels(job)
        oriented = stored[:, ::-1] if _is_mirrored(job.row) else stored
        assert (oriented[light == 0] == value).mean() > 0.99


def test_lesions_are_bright_at_the_centre_of_their_regions(pictures: Pictures) -> None:
    contrasts = []
    for job in pictures.jobs:
        boxes = ast.literal_eval(job.row["ROI_coords"])
        for (ymin, xmin, ymax, xmax), lesion in zip(boxes, job.lesions, strict=False):
            if lesion.severity > 0.35:
                radius = np.sqrt((ymax - ymin) * (xmax - xmin)) / 2 / 1.35
                at = (ymin + ymax) / 2, (xmin + xmax) / 2
                contrasts.append(contrast_at(_brightness(job), *at, float(radius)))
    assert len(contrasts) >= 4
    assert np.mean(contrasts) > 0.04


def test_equal_tables_give_equal_files_in_any_order(pictures: Pictures) -> None:
    jobs = pictures.jobs[::-9]
    for job in jobs:
        stored = pictures.folder / object_key(job.row["anon_dicom_path"])
        assert stored.read_bytes() == dicom_bytes(job)


def test_a_callable_store_gets_the_files_in_order_with_progress(pictures: Pictures) -> None:
    patient = int(pictures.jobs[0].row["empi_anon"])
    stored: dict[str, int] = {}
    told: list[tuple[str, int, int]] = []
    summary = write_dicoms(
        pictures.folder / "tables",
        lambda key, data: stored.update({key: len(data)}),
        [patient],
        lambda *step: told.append(step),
        workers=2,
    )
    mine = [job for job in pictures.jobs if job.row["empi_anon"] == str(patient)]
    assert list(stored) == [object_key(job.row["anon_dicom_path"]) for job in mine]
    assert summary.files == len(mine)
    assert summary.bytes == sum(stored.values())
    assert told[-1] == ("images", len(mine), len(mine))


def _row(**values: str) -> dict[str, str]:
    names = ("massshape", "massmargin", "massdens", "calcfind", "calcdistri", "path_severity")
    return dict.fromkeys(names, "") | {"asses": "S", "side": "L", "numfind": "1"} | values


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (_row(massshape="X"), "mass"),
        (_row(massmargin="S"), "mass"),
        (_row(massdens="+"), "mass"),
        (_row(massshape="F"), "asymmetry"),
        (_row(massshape="Q"), "distortion"),
        (_row(calcdistri="G"), "calcification"),
        (_row(asses="K"), "mass"),
        (_row(asses="A"), "asymmetry"),
        (_row(asses="B"), None),
        (_row(asses="N", massshape="X"), None),
    ],
)
def test_the_lesion_that_a_row_describes(row: dict[str, str], kind: str | None) -> None:
    assert finding_kind(row) == kind


def test_a_breast_shows_its_own_findings_and_those_of_both_once() -> None:
    findings = [
        _row(numfind="1", side="L", massshape="X"),
        _row(numfind="1", side="L", massshape="X"),
        _row(numfind="2", side="R", massshape="O"),
        _row(numfind="3", side="B", asses="B", calcfind="V"),
        _row(numfind="4", side="", asses="N"),
    ]
    assert [lesion.kind for lesion in lesions_of(findings, "L")] == ["mass", "calcification"]
    assert [lesion.shape for lesion in lesions_of(findings, "R")] == ["O", ""]


def test_a_cancer_looks_worse_than_anything_else() -> None:
    order = ["B", "P", "A", "S", "M", "K"]
    looks = [lesions_of([_row(asses=a, massshape="X")], "L")[0].severity for a in order]
    assert looks == sorted(looks)
    benign = lesions_of([_row(asses="S", massshape="X", path_severity="4.0")], "L")[0]
    invasive = lesions_of([_row(asses="S", massshape="X", path_severity="0.0")], "L")[0]
    assert benign.severity < invasive.severity


def test_the_tables_folder_needs_both_tables(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_dicoms(tmp_path, tmp_path, [1])
