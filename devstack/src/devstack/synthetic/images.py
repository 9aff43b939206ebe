"""The image files of an exam: standard views of each breast, repeats, work-up views, C-View
twins."""

import numpy as np

from devstack.synthetic.arrays import VIEW_CODE, VIEWS, ClinicalRows, Exams, Images, Ints, Patients
from devstack.synthetic.examinations import ExamFacts
from devstack.synthetic.options import Generation
from devstack.synthetic.vocabulary import choice

IMAGES_PER_EXAM = 64
PLAIN, SPOT, MAGNIFICATION, IMPLANT = 0, 1, 2, 3
_CC, _MLO, _ML, _LM = (VIEW_CODE[name] for name in ("CC", "MLO", "ML", "LM"))
_TWIN_RATE = 0.985


def list_images(
    rng: np.random.Generator,
    patients: Patients,
    exams: Exams,
    facts: ExamFacts,
    rows: ClinicalRows,
    generation: Generation,
) -> Images:
    """All images of the exams, by exam, side and view."""
    standard = _standard_views(rng, exams, generation)
    worked_up = _examined_sides(exams, rows)
    batches = [
        standard,
        _repeats(rng, exams, standard),
        _lateral_views(rng, worked_up),
        _spot_views(rng, worked_up),
        _other_views(rng, exams, worked_up),
        _implant_views(rng, patients, exams, standard),
    ]
    taken = Images.join(batches)
    images = Images.join([taken, _c_views(rng, facts, taken)])
    images = _without_finding_side(rng, exams, rows, images, generation)
    order = np.lexsort((images.cview, images.modifier, images.view, images.side, images.exam))
    return images.take(order)


def image_number(facts: ExamFacts, exam: Ints, place: Ints) -> Ints:
    """A number of its own for every image of the data set; `place` is its number within the
    exam."""
    return facts.number[exam] * IMAGES_PER_EXAM + place


def _plain(exam: Ints, side: Ints, view: Ints) -> Images:
    return Images(exam, side, view, np.zeros(len(exam), np.int64), np.zeros(len(exam), bool))


def _standard_views(rng: np.random.Generator, exams: Exams, generation: Generation) -> Images:
    """CC and MLO of each breast that the exam is of; a few views were never stored."""
    exam = np.repeat(np.arange(len(exams)), 4)
    side = np.tile([0, 0, 1, 1], len(exams))
    view = np.tile([_CC, _MLO], 2 * len(exams))
    wanted = (exams.laterality[exam] == 2) | (exams.laterality[exam] == side)
    stored = rng.random(len(exam)) >= generation.defects.missing_views
    # Each exam keeps its first view, so that every exam has an image.
    stored |= (view == _CC) & ((side == 0) | (exams.laterality[exam] == 1))
    keep = wanted & stored
    return _plain(exam[keep], side[keep], view[keep])


def _repeats(rng: np.random.Generator, exams: Exams, standard: Images) -> Images:
    """A view taken again because of motion, position or a breast that does not fit the paddle."""
    rate = np.where(exams.screening[standard.exam], 0.118, 0.16)
    count = rng.poisson(rate, len(standard)).clip(0, 2)
    return standard.take(np.repeat(np.arange(len(standard)), count))


def _examined_sides(exams: Exams, rows: ClinicalRows) -> tuple[Ints, Ints]:
    """(exam, side) of the breasts that a diagnostic exam is about."""
    sided = rows.take(~exams.screening[rows.exam] & (rows.side < 2))
    key = np.unique(sided.exam * 2 + sided.side)
    return key // 2, key % 2


def _lateral_views(rng: np.random.Generator, sides: tuple[Ints, Ints]) -> Images:
    exam, side = sides
    keep = rng.random(len(exam)) < 0.78
    view = np.where(rng.random(keep.sum()) < 0.07, _LM, _ML)
    return _plain(exam[keep], side[keep], view)


def _spot_views(rng: np.random.Generator, sides: tuple[Ints, Ints]) -> Images:
    """Spot compressions and magnifications of the examined breasts."""
    count = rng.poisson(1.62, len(sides[0])).clip(0, 6)
    exam, side = np.repeat(sides[0], count), np.repeat(sides[1], count)
    codes = np.array([VIEW_CODE[name] for name in choice("spot_view").values])
    view = codes[choice("spot_view").draw(rng, len(exam))]
    modifier = np.where(rng.random(len(exam)) < 0.62, SPOT, MAGNIFICATION)
    return Images(exam, side, view, modifier, np.zeros(len(exam), bool))


def _other_views(rng: np.random.Generator, exams: Exams, sides: tuple[Ints, Ints]) -> Images:
    """Exaggerated, rolled, tangential and other rare views; on screens only the exaggerated
    ones."""
    codes = np.array([VIEW_CODE[name] for name in choice("other_views").values])
    count = rng.poisson(0.16, len(sides[0])).clip(0, 2)
    exam, side = np.repeat(sides[0], count), np.repeat(sides[1], count)
    rare = _plain(exam, side, codes[choice("other_views").draw(rng, len(exam))])
    screened = np.flatnonzero(exams.screening & (rng.random(len(exams)) < 0.07))
    screened = np.repeat(screened, 2)
    sides_of = np.tile([0, 1], len(screened) // 2)
    keep = (exams.laterality[screened] == 2) | (exams.laterality[screened] == sides_of)
    wide = _plain(screened[keep], sides_of[keep], np.full(keep.sum(), VIEWS.index("XCCL")))
    return Images.join([rare, wide])


def _implant_views(
    rng: np.random.Generator, patients: Patients, exams: Exams, standard: Images
) -> Images:
    """Implant-displaced repeats of the standard views."""
    implants = patients.implants[exams.patient[standard.exam]] & (rng.random(len(standard)) < 0.95)
    displaced = standard.take(implants)
    view = np.where(displaced.view == _CC, VIEW_CODE["CCID"], VIEW_CODE["MLOID"])
    return displaced.replace(view=view, modifier=np.full(len(displaced), IMPLANT))


def _c_views(rng: np.random.Generator, facts: ExamFacts, images: Images) -> Images:
    """The synthetic 2D twin of each plain CC and MLO of a tomosynthesis exam."""
    twin = facts.tomo[images.exam] & (images.modifier == PLAIN) & (images.view <= _MLO)
    twins = images.take(twin & (rng.random(len(images)) < _TWIN_RATE))
    return twins.replace(cview=np.ones(len(twins), bool))


def _without_finding_side(
    rng: np.random.Generator,
    exams: Exams,
    rows: ClinicalRows,
    images: Images,
    generation: Generation,
) -> Images:
    """Exams that lost the images of the side their finding is on (facts 5.3)."""
    affected = exams.screening & (exams.laterality == 2)
    affected &= rng.random(len(exams)) < generation.defects.missing_laterality_images * 6
    side = np.full(len(exams), -1)
    one_sided = rows.side < 2
    side[rows.exam[one_sided]] = rows.side[one_sided]
    lost = affected[images.exam] & (side[images.exam] == images.side)
    return images.take(~lost)
