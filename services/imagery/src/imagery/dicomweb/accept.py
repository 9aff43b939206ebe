"""Accept headers of DICOMweb requests: media types with transfer syntaxes (PS3.18 8.7).

Pure: what a client accepts and what can be offered in, the choice out; None where there is none.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

EXPLICIT = "1.2.840.10008.1.2.1"
NATIVE = frozenset((EXPLICIT, "1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"))
OCTETS = "application/octet-stream"
DICOM = "application/dicom"
RELATED = "multipart/related"

# PS3.18 Table 8.7.3-5: the media type of a compressed frame.
MEDIA_OF_SYNTAX = {
    "1.2.840.10008.1.2.5": "image/dicom-rle",
    "1.2.840.10008.1.2.4.50": "image/jpeg",
    "1.2.840.10008.1.2.4.51": "image/jpeg",
    "1.2.840.10008.1.2.4.57": "image/jpeg",
    "1.2.840.10008.1.2.4.70": "image/jpeg",
    "1.2.840.10008.1.2.4.80": "image/jls",
    "1.2.840.10008.1.2.4.81": "image/jls",
    "1.2.840.10008.1.2.4.90": "image/jp2",
    "1.2.840.10008.1.2.4.91": "image/jp2",
}
DEFAULT_SYNTAX = {
    OCTETS: EXPLICIT,
    DICOM: EXPLICIT,
    "image/dicom-rle": "1.2.840.10008.1.2.5",
    "image/jpeg": "1.2.840.10008.1.2.4.70",
    "image/jls": "1.2.840.10008.1.2.4.80",
    "image/jp2": "1.2.840.10008.1.2.4.90",
}
_token = re.compile(r'\s*([^=;,\s]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;,]*)')


@dataclass(frozen=True)
class MediaRange:
    """One item of an Accept header; ``related``: as a part of multipart/related."""

    media: str
    related: bool = False
    syntax: str | None = None
    quality: float = 1.0

    def covers(self, media: str) -> bool:
        """Whether ``media`` is meant."""
        if self.media in ("*/*", media):
            return True
        return self.media.endswith("/*") and media.startswith(self.media[:-1])


@dataclass(frozen=True)
class Offer:
    """A way to send something: its media type and the transfer syntax of what is inside."""

    media: str
    syntax: str

    @property
    def content_type(self) -> str:
        """For the head of a part."""
        return f"{self.media}; transfer-syntax={self.syntax}"


@dataclass(frozen=True)
class Choice:
    """The offer that is taken, and whether it goes as multipart/related."""

    offer: Offer
    related: bool


def media_ranges(accept: str) -> list[MediaRange]:
    """What the header accepts, best first; an empty header accepts everything."""
    found = [_media_range(item) for item in _split(accept, ",") if item.strip()]
    found = found or [MediaRange("*/*")]
    return sorted((r for r in found if r.quality > 0), key=lambda r: -r.quality)


def _split(text: str, separator: str) -> list[str]:
    """At separators outside of quotes."""
    return re.split(rf'{separator}(?=(?:[^"]*"[^"]*")*[^"]*$)', text)


def _media_range(item: str) -> MediaRange:
    media, *rest = _split(item, ";")
    told = {}
    for part in rest:
        if found := _token.match(part):
            told[found[1].lower()] = found[2].strip().strip('"')
    try:
        quality = float(told.get("q", "1"))
    except ValueError:
        quality = 0.0
    name = media.strip().lower()
    related = name in (RELATED, "multipart/*")
    inner = told.get("type", "*/*").lower() if related else name
    return MediaRange(inner, related, told.get("transfer-syntax"), quality)


def choose(accept: str, original: Offer, offers: Sequence[Offer], *, single: bool) -> Choice | None:
    """How to send something that is kept as ``original`` and can be sent as ``offers``.

    ``single`` says whether it may go without multipart framing, which is then what a plain media
    type asks for. Without a transfer syntax the media type's default is meant; `*` asks for what is
    there.
    """
    for given in media_ranges(accept):
        related = given.related or given.media == "*/*" or not single
        if not given.related and given.media != "*/*" and not single:
            continue
        offer = _offer_for(given, original, offers)
        if offer is not None:
            return Choice(offer, related)
    return None


def _offer_for(given: MediaRange, original: Offer, offers: Sequence[Offer]) -> Offer | None:
    kept_raw = Offer(OCTETS, original.syntax)
    if given.syntax in ("*", original.syntax):
        if given.covers(original.media):
            return original
        if given.media == OCTETS:
            return kept_raw  # an octet stream of whatever transfer syntax the part names
    for offer in offers:
        if not given.covers(offer.media):
            continue
        wanted = given.syntax
        if wanted in (None, "*"):
            wanted = DEFAULT_SYNTAX.get(offer.media)
        if offer.syntax == wanted:
            return offer
    # What cannot be decoded here goes as it is kept, if its kind is welcome.
    decodable = any(offer.syntax == EXPLICIT for offer in offers)
    if given.syntax is None and not decodable and given.covers(original.media):
        return original
    return None
