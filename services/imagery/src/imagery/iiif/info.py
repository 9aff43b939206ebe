"""The image information document (IIIF Image API 3.0, section 5)."""

from typing import Any

from imagery.iiif.grammar import Facts

CONTEXT = "http://iiif.io/api/image/3/context.json"
TILE = 512
SMALLEST_EDGE = 128


def image_information(uri: str, facts: Facts) -> dict[str, Any]:
    """``info.json`` of the image whose base URI is ``uri``."""
    factors = scale_factors(facts)
    return {
        "@context": CONTEXT,
        "id": uri,
        "type": "ImageService3",
        "protocol": "http://iiif.io/api/image",
        "profile": "level2",
        "width": facts.columns,
        "height": facts.rows,
        "maxArea": facts.max_area,
        "sizes": [
            {"width": -(-facts.columns // factor), "height": -(-facts.rows // factor)}
            for factor in reversed(factors)
        ],
        "tiles": [{"width": TILE, "height": TILE, "scaleFactors": factors}],
        "extraFormats": ["webp"],
        "extraQualities": [*(["color"] if facts.is_colour else []), "gray", "bitonal"],
        "extraFeatures": ["canonicalLinkHeader", "profileLinkHeader"],
    }


def scale_factors(facts: Facts) -> list[int]:
    """Powers of two down to a picture that is one tile, and no smaller than a thumbnail."""
    factors = [1]
    while max(facts.columns, facts.rows) / factors[-1] > TILE:
        factors.append(factors[-1] * 2)
    return [f for f in factors if min(facts.columns, facts.rows) / f >= SMALLEST_EDGE] or [1]
