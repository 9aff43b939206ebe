"""Regions of interest: boxes around the lesions of outlined findings, on the views that show
them."""

from dataclasses import dataclass

import numpy as np

from devstack.synthetic.anatomy import (
    SEVERITY_BY_ASSES,
    Frame,
    lesion_centre,
    lesion_radius,
    lesion_severity,
)
from devstack.synthetic.arrays import ASSES, ASSES_CODE, VIEW_CODE, Bools, Ints
from devstack.synthetic.chunks import Chunk
from devstack.synthetic.geometry import Geometry
from devstack.synthetic.hashing import Floats, between, uniform
from devstack.synthetic.options import Generation
from devstack.synthetic.vocabulary import Cells, encode_cell

_SEVERITIES = np.array([SEVERITY_BY_ASSES[letter] for letter in ASSES])
_MARGIN = 1.35
_SHOWN_RATE = 0.93
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Regions:
    """Text columns of the metadata table: num_roi, ROI_coords and match_level per image."""

    number: Ints
    coordinates: Cells
    match_level: Cells


def row_severity(asses: Ints, path_severity: Ints) -> Floats:
    """How suspicious clinical rows look; pathology severity -1 is none."""
    return lesion_severity(_SEVERITIES[asses], np.where(path_severity >= 0, path_severity, np.nan))


def outline_regions(chunk: Chunk, geometry: Geometry, generation: Generation) -> Regions:
    """Boxes (ymin, xmin, ymax, xmax) in pixels of the chest-wall-left frame; level 1 on 2D, 2 on
    its C-View twin."""
    finding, image = _outlined_pairs(chunk, generation)
    boxes = _boxes(chunk, geometry, finding, image)
    boxes = _spoil(chunk, geometry, boxes, finding, image, generation)
    return _as_text(len(chunk.images), image, boxes, chunk.images.cview[image])


def _outlined_pairs(chunk: Chunk, generation: Generation) -> tuple[Ints, Ints]:
    """(finding row, image) pairs that carry a box."""
    findings = np.flatnonzero(_outlined(chunk, generation))
    starts = np.searchsorted(chunk.images.exam, chunk.rows.exam[findings])
    counts = np.searchsorted(chunk.images.exam, chunk.rows.exam[findings], side="right") - starts
    finding = np.repeat(findings, counts)
    image = np.repeat(starts - np.r_[0, np.cumsum(counts)[:-1]], counts) + np.arange(counts.sum())
    images = chunk.images.take(image)
    shown = (
        (images.side == chunk.rows.side[finding])
        & (images.modifier == 0)
        & (images.view <= VIEW_CODE["MLO"])
    )
    key = chunk.facts.acc[images.exam]
    shown &= uniform(key, chunk.rows.numfind[finding], images.view, 71) < _SHOWN_RATE
    return finding[shown], image[shown]


def _outlined(chunk: Chunk, generation: Generation) -> Bools:
    """Findings that a radiologist outlined: a share of the recalled, fewer of the others, hardly
    any negative."""
    rows = chunk.rows
    usual = chunk.patients.roi_share[chunk.exams.patient[rows.exam]]
    share = np.where(rows.asses == ASSES_CODE["A"], usual, usual / 5)
    quiet = np.isin(rows.asses, [ASSES_CODE["N"], ASSES_CODE["B"]])
    share[quiet] = generation.defects.roi_on_negatives
    described = (rows.kind > 0) | ~quiet
    share[~described] = 0.0
    first = rows.procedure < 2
    # One radiologist outlines all findings of an exam or none.
    return (uniform(chunk.facts.acc[rows.exam], 72) < share) & (rows.side < 2) & first


def _boxes(chunk: Chunk, geometry: Geometry, finding: Ints, image: Ints) -> Ints:
    rows = chunk.rows
    empi = chunk.patients.empi[chunk.exams.patient[rows.exam[finding]]]
    side, rank = rows.side[finding], rows.rank[finding]
    frame = Frame(
        geometry.frame.height[image], geometry.frame.width[image], geometry.frame.oblique[image]
    )
    y, x = lesion_centre(empi, side, rank, frame)
    radius = lesion_radius(
        empi, side, rank, row_severity(rows.asses[finding], rows.severity[finding])
    )
    # One hand drew the box on the 2D image; the C-View got the same box, scaled.
    shape = between(0.9, 1.25, empi, side, rank, chunk.images.view[image], 73)
    half = np.stack([radius * _MARGIN * shape, radius * _MARGIN / shape], axis=1)
    centre = np.stack([y, x], axis=1)
    box = np.concatenate([centre - half, centre + half], axis=1) / geometry.spacing[image][:, None]
    return _clip(np.rint(box).astype(np.int64), geometry, image)


def _clip(boxes: Ints, geometry: Geometry, image: Ints) -> Ints:
    bounds = np.stack([geometry.rows[image], geometry.columns[image]] * 2, axis=1)
    return np.clip(boxes, 0, bounds)


def _spoil(
    chunk: Chunk,
    geometry: Geometry,
    boxes: Ints,
    finding: Ints,
    image: Ints,
    generation: Generation,
) -> Ints:
    """Boxes on the wrong half, touching the border, or much too large (facts 5.17)."""
    defects = generation.defects
    drawn = uniform(chunk.facts.acc[chunk.images.exam[image]], chunk.rows.numfind[finding], 74)
    width = geometry.columns[image]
    mirrored = np.stack(
        [boxes[:, 0], width - boxes[:, 3], boxes[:, 2], width - boxes[:, 1]], axis=1
    )
    border = np.stack([boxes[:, 0], np.zeros_like(width), boxes[:, 2], boxes[:, 3]], axis=1)
    size = boxes[:, 2:] - boxes[:, :2]
    huge = _clip(
        np.concatenate([boxes[:, :2] - 2 * size, boxes[:, 2:] + 2 * size], axis=1), geometry, image
    )
    spoilt = boxes
    edge = 0.0
    for rate, wrong in (
        (defects.roi_wrong_side, mirrored),
        (defects.roi_border, border),
        (defects.roi_huge, huge),
    ):
        hit = (drawn >= edge) & (drawn < edge + rate)
        spoilt = np.where(hit[:, None], wrong, spoilt)
        edge += rate
    return np.asarray(spoilt)


def _as_text(images: int, image: Ints, boxes: Ints, secondary: Bools) -> Regions:
    number = np.bincount(image, minlength=images)
    coordinates = np.full(images, "()", dtype=object)
    levels = np.full(images, "[]", dtype=object)
    found: dict[int, list[tuple[Box, int]]] = {}
    for place, box, second in zip(image.tolist(), boxes.tolist(), secondary.tolist(), strict=True):
        found.setdefault(place, []).append((tuple(box), 2 if second else 1))
    for place, pairs in found.items():
        coordinates[place] = encode_cell(repr(tuple(box for box, _ in pairs)))
        levels[place] = encode_cell(repr([level for _, level in pairs]))
    return Regions(number, coordinates, levels)
