"""How much of an untrusted file is looked at before it is refused."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Upper bounds. A DICOM is untrusted input: it may be a bomb as well as a mammogram."""

    pixels: int = 64 * 1024 * 1024
    frames: int = 1024
    inflated_bytes: int = 512 * 1024 * 1024
    nesting: int = 16
    elements: int = 20_000


DEFAULT_LIMITS = Limits()
