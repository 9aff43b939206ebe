"""The clinical table's cells: what a radiologist, a registrar and a pathologist wrote about each
finding."""

from collections.abc import Callable

import numpy as np

from devstack.synthetic.anatomy import breast_size, lesion_polar, lesion_radius
from devstack.synthetic.arrays import ASSES, ASSES_CODE, SIDES, Bools, Ints
from devstack.synthetic.chunks import Chunk
from devstack.synthetic.dates import date_cells, exam_dates
from devstack.synthetic.examinations import descriptions
from devstack.synthetic.hashing import Floats, between, uniform
from devstack.synthetic.options import Generation
from devstack.synthetic.pathology import procedure_cells
from devstack.synthetic.population import RACE_GROUPS
from devstack.synthetic.rois import row_severity
from devstack.synthetic.vocabulary import Cells, cells_of, choice, columns, only

_MANNERS = {
    "N": "benign",
    "B": "benign",
    "P": "benign",
    "A": "suspicious",
    "S": "suspicious",
    "X": "suspicious",
    "M": "malignant",
    "K": "malignant",
}
_MALIGNANCY = ("benign", "suspicious", "malignant")
_MANNER_CODE = np.array([_MALIGNANCY.index(_MANNERS[letter]) for letter in ASSES])
_MASS, _ASYMMETRY, _DISTORTION, _CALCIFICATION = 1, 2, 3, 4
Draw = Callable[[int], Floats]


def clinical_cells(chunk: Chunk, first_index: int, generation: Generation) -> list[Cells]:
    """The 112 columns in file order, one encoded cell per clinical row."""
    table = {
        "Unnamed: 0": cells_of(list(range(first_index, first_index + len(chunk.rows)))),
        **_finding_cells(chunk, generation),
        **_exam_cells(chunk, generation),
        **_patient_cells(chunk, generation),
        **procedure_cells(chunk, generation),
    }
    return [table[name] for name in columns("clinical")]


def _finding_cells(chunk: Chunk, generation: Generation) -> dict[str, Cells]:
    rows, defects = chunk.rows, generation.defects
    acc = chunk.facts.acc[rows.exam]

    def draw(salt: int) -> Floats:
        return uniform(acc, rows.numfind, salt)

    manner = _MANNER_CODE[rows.asses]
    described = rows.kind * (rows.asses != ASSES_CODE["N"])
    return {
        **_mass_cells(described, manner, draw, defects.off_legend_codes),
        **_calcification_cells(described, manner, draw, odd=defects.undocumented_negatives > 0),
        **_place_cells(chunk, draw, generation),
        "otherfind": only(
            draw(201) < np.where(rows.asses == ASSES_CODE["N"], 0.07, 0.16),
            choice("otherfind").pick_cells(draw(202)),
        ),
        "implanfind": only(draw(203) < 0.001, choice("implanfind").pick_cells(draw(204))),
        "consistent": only(
            (described == _MASS) & (manner < 2) & (draw(205) < 0.25),
            choice("consistent").pick_cells(draw(206)),
        ),
        "side": cells_of(list(SIDES))[rows.side],
        "numfind": cells_of(list(range(20)))[rows.numfind],
        "asses": cells_of(list(ASSES))[rows.asses],
        "recc": only(
            draw(207) < 0.82,
            _with_commas(
                _recommendation(rows.asses, draw(208)), draw(209), defects.trailing_commas
            ),
        ),
        "stable": np.where(draw(210) < 0.10, "-1", "0").astype(object),
        "new": np.where(draw(211) < 0.016, "-1", "0").astype(object),
        "changed": only(draw(212) < 0.13, choice("changed").pick_cells(draw(213))),
    }


def _by_manner(name: str, manner: Ints, share: Floats) -> Cells:
    cells = np.full(len(manner), "", dtype=object)
    for code, word in enumerate(_MALIGNANCY):
        rows = manner == code
        cells[rows] = choice(name, word).pick_cells(share[rows])
    return cells


def _mass_cells(kind: Ints, manner: Ints, draw: Draw, off_legend: float) -> dict[str, Cells]:
    shape = _by_manner("massshape", manner, draw(221))
    shape = np.where(draw(222) < off_legend, "L", shape)
    shape = np.where(kind == _ASYMMETRY, choice("asymmetry").pick_cells(draw(223)), shape)
    shape = np.where(kind == _DISTORTION, choice("distortion").pick_cells(draw(224)), shape)
    mass = kind == _MASS
    return {
        "massshape": only((kind >= _MASS) & (kind <= _DISTORTION), shape),
        "massmargin": only(mass & (draw(225) < 0.6), _by_manner("massmargin", manner, draw(226))),
        "massdens": only(mass & (draw(227) < 0.45), _by_manner("massdens", manner, draw(228))),
    }


def _calcification_cells(kind: Ints, manner: Ints, draw: Draw, *, odd: bool) -> dict[str, Cells]:
    # A malignant mass often carries calcifications of its own.
    calcified = (kind == _CALCIFICATION) | (
        (kind == _MASS) & (draw(231) < np.where(manner == 2, 0.25, 0.03))
    )
    counted = calcified & (draw(232) < 0.02)
    numbers = cells_of([1, 2, 3, 4, -5, -3] if odd else [1, 2, 3, 4, 5, 3])
    return {
        "calcfind": only(calcified, _by_manner("calcfind", manner, draw(233))),
        "calcdistri": only(
            calcified & (draw(234) < 0.62), _by_manner("calcdistri", manner, draw(235))
        ),
        "calcnumber": np.where(counted, numbers[np.floor(draw(236) * 6).astype(int)], "0").astype(
            object
        ),
    }


def _place_cells(chunk: Chunk, draw: Draw, generation: Generation) -> dict[str, Cells]:
    """location, depth, distance and size, read off the lesion itself."""
    rows = chunk.rows
    empi = chunk.patients.empi[chunk.exams.patient[rows.exam]]
    depth, lateral, superior = lesion_polar(empi, rows.side, rows.rank)
    lesion = (rows.kind > 0) & (rows.side < 2) & (rows.asses != ASSES_CODE["N"])
    radius = lesion_radius(empi, rows.side, rows.rank, row_severity(rows.asses, rows.severity))
    clock = cells_of([12, *range(1, 12)])[_clock(rows.side, lateral, superior)]
    regions = choice("location_token", "quadrant").pick_cells(draw(241))
    place = np.where(draw(242) < 0.85, clock, regions)
    letters = cells_of(["A", "M", "P"])[np.digitize(-depth, [-0.56, -0.42])]
    away = np.rint((1 - depth) * breast_size(empi) / 10).astype(np.int64)
    size = np.rint(2 * radius).astype(np.int64)
    odd = draw(243) < generation.defects.undocumented_negatives
    return {
        "location": only(
            lesion & (draw(244) < 0.58),
            _with_commas(place, draw(245), generation.defects.trailing_commas),
        ),
        "depth": only(lesion & (draw(246) < 0.42), letters),
        "distance": _measured(away, lesion & (draw(247) < 0.30), odd, -2),
        "size": _measured(size, lesion & (draw(248) < 0.14), odd, -99),
    }


def _clock(side: Ints, lateral: Floats, superior: Floats) -> Ints:
    """Hour of the clock face as seen from the front: outer is 3 o'clock on the left breast, 9 on
    the right."""
    outward = np.where(side == 0, lateral, -lateral)
    return np.rint(np.arctan2(outward, superior) / (2 * np.pi) * 12).astype(np.int64) % 12


def _measured(value: Ints, known: Bools, odd: Bools, odd_value: int) -> Cells:
    number = np.where(odd, odd_value, np.where(known, value, 0))
    return np.asarray(cells_of(list(range(-99, 200)))[number + 99])


def _recommendation(asses: Ints, share: Floats) -> Cells:
    cells = np.full(len(asses), "", dtype=object)
    for code, letter in enumerate(ASSES):
        rows = asses == code
        cells[rows] = choice("recc", letter).pick_cells(share[rows])
    return cells


def _with_commas(cells: Cells, share: Floats, rate: float) -> Cells:
    """Comma lists that end in a comma, as some do."""
    spoilt = share < rate
    texts = [
        f'"{cell.strip(chr(34))},"' if bad else cell
        for cell, bad in zip(cells, spoilt, strict=True)
    ]
    return np.array(texts, dtype=object)


def _exam_cells(chunk: Chunk, generation: Generation) -> dict[str, Cells]:
    facts, exams = chunk.facts, chunk.exams
    acc = facts.acc
    screening = exams.screening
    visit = np.where(screening, "S", choice("vtype_diagnostic").pick_cells(uniform(acc, 251)))
    proc = np.where(
        screening,
        choice("proccode", "screening").pick_cells(uniform(acc, 252)),
        choice("proccode", "diagnostic").pick_cells(uniform(acc, 253)),
    )
    staff = cells_of([f"R{number:03d}" for number in range(60)])
    technicians = cells_of([f"T{number:03d}" for number in range(150)])
    acquired, signed = exam_dates(chunk)
    cells = {
        "loc_num": cells_of([1, 2, 3, 5, 6, 7, 8, 9])[
            np.floor(uniform(chunk.patients.empi[exams.patient], 254) * 8).astype(int)
        ],
        "tech_init": only(
            uniform(acc, 255) < 0.9, technicians[np.floor(uniform(acc, 256) * 150).astype(int)]
        ),
        "init": staff[np.floor(uniform(acc, 257) * 60).astype(int)],
        "proccode": proc,
        "desc": cells_of([*descriptions(), None])[facts.desc],
        "vtype": only(uniform(acc, 258) < 0.975, visit),
        "tissueden": cells_of([None, "1.0", "2.0", "3.0", "4.0", "5.0"])[facts.density],
        "case": only(uniform(acc, 259) < 0.005, np.full(len(acc), "I", dtype=object)),
        "age_at_study": only(_recorded(chunk, generation)[exams.patient], _ages(chunk)),
        "acc_anon": np.char.mod("%d", acc).astype(object),
        "study_date_anon": date_cells(signed),
        "sdate_anon": date_cells(acquired),
        **_finding_totals(chunk),
    }
    return {name: column[chunk.rows.exam] for name, column in cells.items()}


def _ages(chunk: Chunk) -> Cells:
    """Years with two decimals, capped at 89."""
    days = chunk.exams.day - chunk.patients.birth[chunk.exams.patient]
    hundredths = np.rint(np.clip(days / 365.25, 15.5, 89.0) * 100).astype(np.int64)
    return np.asarray(cells_of([str(round(value / 100, 2)) for value in range(9001)])[hundredths])


def _finding_totals(chunk: Chunk) -> dict[str, Cells]:
    """total_L_find and total_R_find: abnormal findings per side, 0.0 for negatives."""
    rows = chunk.rows
    counted = (rows.procedure < 2) & (rows.asses != ASSES_CODE["N"]) & (rows.side < 3)
    printed = cells_of([f"{number}.0" for number in range(20)])
    totals = {}
    for name, side in (("total_L_find", 0), ("total_R_find", 1)):
        mine = counted & ((rows.side == side) | (rows.side == 2))
        totals[name] = printed[np.bincount(rows.exam[mine], minlength=len(chunk.exams))]
    return totals


def _recorded(chunk: Chunk, generation: Generation) -> Bools:
    """Patients whose demographics are known."""
    rate = generation.defects.missing_patient_columns
    return np.asarray(uniform(chunk.patients.empi, 261) >= rate)


def _patient_cells(chunk: Chunk, generation: Generation) -> dict[str, Cells]:
    patients = chunk.patients
    empi = patients.empi
    known = _recorded(chunk, generation)
    race = choice("race").cells
    if not generation.defects.double_space_race:
        race = np.array([" ".join(cell.split()) for cell in race], dtype=object)
    zips = cells_of([f"{number}.0" for number in range(300, 320)])
    # Most patients live near the hospital: prefixes 300 to 303.
    prefix = np.floor(uniform(empi, 262) ** 3 * 20).astype(int)
    cells = {
        "GENDER_DESC": only(known, np.where(patients.male, "Male", "Female").astype(object)),
        "ETHNICITY_DESC": only(known, race[patients.race]),
        "ETHNIC_GROUP_DESC": only(known, _ethnicity(chunk, generation.defects.junk_ethnic_codes)),
        "MARITAL_STATUS_DESC": only(known, choice("marital").pick_cells(uniform(empi, 263))),
        "ENCOUNTER_QTY": only(
            known,
            cells_of([str(n) for n in range(1, 61)])[
                np.floor(uniform(empi, 264) ** 2 * 60).astype(int)
            ],
        ),
        "empi_anon": np.char.mod("%d", empi).astype(object),
        "cohort_num": cells_of([0, 1, 2])[patients.cohort],
        "first_3_zip": only(uniform(empi, 265) >= 0.003, zips[prefix]),
    }
    return {name: column[chunk.exams.patient][chunk.rows.exam] for name, column in cells.items()}


def _ethnicity(chunk: Chunk, junk: float) -> Cells:
    patients = chunk.patients
    cells = np.full(len(patients), "", dtype=object)
    share = uniform(patients.empi, 266)
    for code, group in enumerate(RACE_GROUPS):
        rows = patients.group == code
        cells[rows] = choice("ethnicity_by_race", group).pick_cells(share[rows])
    codes = cells_of([f"CD:{9_000_000_000 + 37 * number}" for number in range(16)])
    spoilt = uniform(patients.empi, 267) < junk
    return np.asarray(
        np.where(spoilt, codes[np.floor(between(0, 16, patients.empi, 268)).astype(int)], cells),
        dtype=object,
    )
