"""Rows, Columns, pixel spacing and stored orientation of every image; which pixel a millimetre
falls on."""

from dataclasses import dataclass

import numpy as np

from devstack.synthetic.anatomy import OBLIQUE_VIEWS, Frame
from devstack.synthetic.arrays import VIEWS, Bools, Images, Ints
from devstack.synthetic.chunks import Chunk
from devstack.synthetic.examinations import detector_spacing, geometry_rows
from devstack.synthetic.hashing import Floats, uniform
from devstack.synthetic.options import Generation

_OBLIQUE = np.array([name in OBLIQUE_VIEWS for name in VIEWS])


@dataclass(frozen=True)
class Geometry:
    """Per image: Rows, Columns, pixel spacing (mm), field of view, and whether the pixels are
    stored mirrored."""

    rows: Ints
    columns: Ints
    spacing: Floats
    frame: Frame
    chest_wall_right: Bools
    reversed: Bools


def image_geometry(chunk: Chunk, generation: Generation) -> Geometry:
    """Geometry of the chunk's images. A C-View shows the same field as its 2D image at 0.6 of
    its size."""
    images = chunk.images
    model = chunk.patients.model[chunk.exams.patient[images.exam]]
    large = chunk.facts.large[images.exam]
    full = np.where(large[:, None], geometry_rows("large")[model], geometry_rows("small")[model])
    field = full * detector_spacing()[model][:, None]
    size = np.where(images.cview[:, None], geometry_rows("cview")[model], full)
    scale = chunk.patients.pixel_scale[chunk.exams.patient[images.exam]]
    size = np.rint(size * scale[:, None]).astype(np.int64)
    backwards = stored_backwards(chunk, images, generation)
    frame = Frame(field[:, 0], field[:, 1], _OBLIQUE[images.view])
    return Geometry(
        size[:, 0],
        size[:, 1],
        field[:, 0] / size[:, 0],
        frame,
        (images.side == 1) ^ backwards,
        backwards,
    )


def stored_backwards(chunk: Chunk, images: Images, generation: Generation) -> Bools:
    """Exam sides whose chest wall is on the other edge than usual (left breast: left edge), all
    their views alike."""
    drawn = uniform(chunk.facts.acc[images.exam], images.side, 61)
    return drawn < generation.defects.reversed_orientation
