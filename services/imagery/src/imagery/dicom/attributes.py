"""The Image Pixel attributes of a dataset, checked (PS3.3 C.7.6.3)."""

import math
import re
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset

from imagery.dicom.errors import OtherInstanceError, UnreadableImageError
from imagery.dicom.limits import DEFAULT_LIMITS, Limits

LONGEST_UID = 64
_uid = re.compile(r"[0-2](\.(0|[1-9]\d*))+")
PHOTOMETRICS = {
    "MONOCHROME1": 1,
    "MONOCHROME2": 1,
    "PALETTE COLOR": 1,
    "RGB": 3,
    "YBR_FULL": 3,
    "YBR_FULL_422": 3,
    "YBR_RCT": 3,
    "YBR_ICT": 3,
}


@dataclass(frozen=True)
class ImageAttributes:
    """How stored values are laid out, and which of them are padding.

    ``padding`` is an inclusive range of stored values (PS3.3 C.7.5.1.1.2), or None.
    """

    rows: int
    columns: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    photometric_interpretation: str
    number_of_frames: int = 1
    padding: tuple[int, int] | None = None
    patient_orientation: tuple[str, ...] = ()
    samples_per_pixel: int = 1
    planar: bool = False

    @property
    def is_colour(self) -> bool:
        """Whether a pixel has a colour, from three samples or from a palette."""
        return not self.photometric_interpretation.startswith("MONOCHROME")

    @property
    def inverted(self) -> bool:
        """Whether the least value is meant to be shown white."""
        return self.photometric_interpretation == "MONOCHROME1"

    @property
    def frame_bytes(self) -> int:
        """Size of one uncompressed frame."""
        halved = self.photometric_interpretation == "YBR_FULL_422"
        samples = 2 if halved else self.samples_per_pixel
        return self.rows * self.columns * samples * self.bits_allocated // 8


def image_attributes(dataset: Dataset, limits: Limits = DEFAULT_LIMITS) -> ImageAttributes:
    """Read and check what decoding and rendering rely on."""
    signed = integer(dataset, "PixelRepresentation", default=0, choices=(0, 1)) == 1
    allocated = integer(dataset, "BitsAllocated", choices=(8, 16))
    stored = integer(dataset, "BitsStored", default=allocated, least=1, most=allocated)
    photometric = _photometric(dataset)
    samples = PHOTOMETRICS[photometric]
    if signed and (samples > 1 or photometric == "PALETTE COLOR"):
        raise UnreadableImageError("colours are not signed", "PixelRepresentation")
    image = ImageAttributes(
        rows=integer(dataset, "Rows", least=1, most=65535),
        columns=integer(dataset, "Columns", least=1, most=65535),
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=integer(
            dataset, "HighBit", default=stored - 1, least=stored - 1, most=allocated - 1
        ),
        signed=signed,
        photometric_interpretation=photometric,
        number_of_frames=integer(dataset, "NumberOfFrames", default=1, least=1, most=limits.frames),
        padding=_padding(dataset, allocated, signed=signed),
        patient_orientation=_texts(dataset.get("PatientOrientation")),
        samples_per_pixel=samples,
        planar=samples > 1
        and integer(dataset, "PlanarConfiguration", default=0, choices=(0, 1)) == 1,
    )
    if image.rows * image.columns > limits.pixels:
        reason = f"{image.columns} x {image.rows} pixels are more than {limits.pixels}"
        raise UnreadableImageError(reason, "Rows")
    return image


def check_instance(dataset: Dataset, expected: str) -> None:
    """OtherInstanceError where ``dataset`` says that it is another instance than ``expected``.

    A name that is no UID (`1-1.dcm`), and a file that tells none, say nothing.
    """
    if len(expected) > LONGEST_UID or not _uid.fullmatch(expected):
        return
    told = dataset.get("SOPInstanceUID")
    if told and str(told) != expected:
        raise OtherInstanceError


def _photometric(dataset: Dataset) -> str:
    """Photometric Interpretation; Samples per Pixel must agree with it."""
    found = str(dataset.get("PhotometricInterpretation", "")).strip()
    if found not in PHOTOMETRICS:
        reason = f"'{found[:40]}' is not shown; {', '.join(PHOTOMETRICS)} are"
        raise UnreadableImageError(reason, "PhotometricInterpretation")
    samples = PHOTOMETRICS[found]
    integer(dataset, "SamplesPerPixel", default=samples, choices=(samples,))
    return found


def integer(
    dataset: Dataset,
    keyword: str,
    *,
    default: int | None = None,
    choices: tuple[int, ...] = (),
    least: int = -(2**31),
    most: int = 2**31,
) -> int:
    """An integer element; UnreadableImageError where it is absent, malformed or out of range."""
    value = dataset.get(keyword)
    if value in (None, "", b""):
        if default is None:
            raise UnreadableImageError(f"{keyword} is missing", keyword)
        return default
    try:
        found = int(value)
    except (TypeError, ValueError) as error:
        raise UnreadableImageError(f"{keyword} is not one integer", keyword) from error
    if not least <= found <= most or (choices and found not in choices):
        wanted = f"one of {choices}" if choices else f"from {least} to {most}"
        raise UnreadableImageError(f"{keyword} is {found}, not {wanted}", keyword)
    return found


def numbers(dataset: Dataset, keyword: str) -> tuple[float, ...]:
    """The finite numbers of a multi-valued element; empty where it is absent or empty."""
    value = dataset.get(keyword)
    if value in (None, "", b""):
        return ()
    values = [value] if isinstance(value, int | float | str) else list(value)
    try:
        found = tuple(float(v) for v in values)
    except (TypeError, ValueError) as error:
        raise UnreadableImageError(f"{keyword} is not numeric", keyword) from error
    if not all(map(math.isfinite, found)):
        raise UnreadableImageError(f"{keyword} is not finite", keyword)
    return found


def pixel_spacing(dataset: Dataset) -> tuple[float, float] | None:
    """Millimetres in the breast from row to row and from column to column; None: not told.

    Pixel Spacing where there is one, else that of the detector, by its distance (PS3.3 10.7.1).
    """
    try:
        calibrated = numbers(dataset, "PixelSpacing")
        detector = numbers(dataset, "ImagerPixelSpacing")
        factor = numbers(dataset, "EstimatedRadiographicMagnificationFactor") or (1.0,)
    except UnreadableImageError:
        return None  # a picture needs none
    spacing = calibrated or tuple(one / factor[0] for one in detector if factor[0] > 0)
    if len(spacing) != 2 or min(spacing) <= 0:
        return None
    return spacing[0], spacing[1]


def as_stored_value(value: Any, bits: int, *, signed: bool) -> int:
    """A 'US or SS' value as the pixels' own type, whichever of both the reader took it for."""
    raw = int.from_bytes(value, "little") if isinstance(value, bytes) else int(value)
    raw &= (1 << bits) - 1
    return raw - (1 << bits) if signed and raw >> (bits - 1) else raw


def _padding(dataset: Dataset, bits: int, *, signed: bool) -> tuple[int, int] | None:
    value = dataset.get("PixelPaddingValue")
    if value in (None, "", b""):
        return None
    limit = dataset.get("PixelPaddingRangeLimit")
    ends = [value, value if limit in (None, "", b"") else limit]
    try:
        low, high = sorted(as_stored_value(end, bits, signed=signed) for end in ends)
    except (TypeError, ValueError) as error:
        raise UnreadableImageError("PixelPaddingValue is malformed", "PixelPaddingValue") from error
    return low, high


def _texts(value: Any) -> tuple[str, ...]:
    if value in (None, "", b""):
        return ()
    values = [value] if isinstance(value, str) else value
    return tuple(str(v).strip() for v in values)
