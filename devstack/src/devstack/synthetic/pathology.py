"""The procedure block: biopsy or surgery, its pathology slots and, for cancers, the report's
findings."""

from collections.abc import Callable

import numpy as np

from devstack.synthetic.anatomy import lesion_polar
from devstack.synthetic.arrays import SIDES, Bools, Ints
from devstack.synthetic.chunks import Chunk
from devstack.synthetic.dates import date_cells, exam_dates
from devstack.synthetic.hashing import Floats, uniform
from devstack.synthetic.options import Generation
from devstack.synthetic.procedures import BIOPSY, SURGERY
from devstack.synthetic.vocabulary import Cells, blank, cells_of, choice, only

SLOTS = 10
_FILLED = np.array([1.0, 0.573, 0.274, 0.123, 0.0503, 0.018, 0.007, 0.0016, 0.0001, 0.0])
"""Share of procedures with at least so many pathology slots filled."""
_UNLISTED = ("FAT", "HF", "PAP", "MCA")
_NUMBERS = (
    "bdistance",
    "nfocal",
    "specsize",
    "specsize2",
    "specsize3",
    "dcissize",
    "invsize",
    "superior",
    "inferior",
    "anterior",
    "posterior",
    "medial",
    "lateral",
    "specnum",
    "snode_rem",
    "node_rem",
    "node_pos",
    "macrometa",
    "micrometa",
    "isocell",
    "largedp",
)
_TUMOUR = (
    ("hgrade", 0.9),
    ("focality", 0.4),
    ("specinteg", 0.4),
    ("est", 0.92),
    ("her2", 0.85),
    ("fish", 0.12),
    ("ki67", 0.5),
    ("extracap", 0.07),
    ("methodevl", 0.3),
    ("eic", 0.15),
)
Draw = Callable[[int], Floats]


def procedure_cells(chunk: Chunk, generation: Generation) -> dict[str, Cells]:
    """`type` to `eic` and the procedure's dates and severity: all null without a procedure, mostly
    filled with one.

    Printed for the few rows that have a procedure and spread over the rest.
    """
    n = len(chunk.rows)
    some = np.flatnonzero(chunk.rows.procedure > 0)
    printed = _printed(chunk, some, generation)
    columns = {}
    for name, cells in printed.items():
        columns[name] = blank(n)
        columns[name][some] = cells
    return columns


def _printed(chunk: Chunk, some: Ints, generation: Generation) -> dict[str, Cells]:
    rows = chunk.rows.take(some)
    acc = chunk.facts.acc[rows.exam]

    def draw(salt: int) -> Floats:
        return uniform(acc, rows.numfind, rows.procedure, salt)

    surgery = rows.procedure == SURGERY
    cancer = rows.severity <= 1
    return {
        "type": cells_of([None, "B", "S"])[rows.procedure],
        **_where_and_how(rows.side, surgery, draw),
        **_path_slots(rows.severity, draw, generation.defects.off_legend_codes),
        **_tumour_report(rows.severity, surgery, cancer, draw),
        **_numbers(surgery, rows.severity, draw),
        **_place(chunk, some, draw),
        **_dates(chunk, rows.exam, rows.procedure == BIOPSY, draw),
        "path_severity": cells_of([f"{severity}.0" for severity in range(6)])[rows.severity],
        "path_group": cells_of([f"{severity + 1}.0" for severity in range(6)])[rows.severity],
    }


def _where_and_how(side: Ints, surgery: Bools, draw: Draw) -> dict[str, Cells]:
    sides = cells_of([s or "L" for s in SIDES])
    site = choice("site").pick_cells(draw(301))
    floats = np.array([f"{cell}.0" for cell in site], dtype=object)
    return {
        "technique": only(~surgery, choice("technique").pick_cells(draw(302))),
        "biopsite": only(~surgery & (draw(303) < 0.9), choice("biopsite").pick_cells(draw(304))),
        "biop_loc": floats,
        "path_loc": floats,
        "bcomp": only(draw(305) < 0.0006, choice("bcomp").pick_cells(draw(306))),
        "diag_out": only(draw(307) < 0.2, np.where(draw(308) < 0.3, "Y", "N").astype(object)),
        "surgery": only(surgery, choice("surgery").pick_cells(draw(309))),
        "lymphsurg": only(surgery & (draw(310) < 0.52), choice("lymphsurg").pick_cells(draw(311))),
        "surg_loc": only(surgery, floats),
        "pocomp": blank(len(side)),
        "ltcomp": blank(len(side)),
        "bside": np.where(draw(312) < 0.005, "B", sides[side]).astype(object),
        "concord": only(
            ~surgery & (draw(313) < 0.9), np.where(draw(314) < 0.97, "C", "N").astype(object)
        ),
    }


def _path_slots(severity: Ints, draw: Draw, off_legend: float) -> dict[str, Cells]:
    """path1 to path10, filled from the left; the most severe code decides path_severity, so the
    others are milder or equal."""
    filled = draw(321)[:, None] < _FILLED[None, :]
    worst_slot = np.floor(draw(322) * filled.sum(axis=1)).astype(np.int64)
    slots = {}
    for slot in range(SLOTS):
        # Severity 5 (other cancer) counts as the least severe number: beside it only another 5
        # keeps the minimum.
        milder = np.where(
            severity == 5,
            5,
            np.where(severity < 4, np.where(draw(330 + slot) < 0.75, 4, severity), 4),
        )
        level = np.where(worst_slot == slot, severity, milder)
        cells = _codes(level, draw(340 + slot))
        unlisted = (draw(350 + slot) < off_legend) & (worst_slot != slot)
        cells = np.where(
            unlisted,
            cells_of(list(_UNLISTED))[np.floor(draw(360 + slot) * len(_UNLISTED)).astype(int)],
            cells,
        )
        slots[f"path{slot + 1}"] = only(filled[:, slot], cells)
    return slots


def _codes(level: Ints, share: Floats) -> Cells:
    cells = blank(len(level))
    for severity in range(6):
        rows = level == severity
        cells[rows] = choice("path_code", str(severity)).pick_cells(share[rows])
    return cells


def _tumour_report(severity: Ints, surgery: Bools, cancer: Bools, draw: Draw) -> dict[str, Cells]:
    staged = surgery & cancer & (draw(371) < 0.9)
    percent = cells_of(["", *range(5, 101, 5)])[np.floor(draw(372) * 20).astype(int) + 1]
    size = np.where(severity == 0, choice("tnmpt_invasive").pick_cells(draw(373)), "PTISD")
    columns = {
        name: only(cancer & (draw(380 + i) < rate), choice(name).pick_cells(draw(390 + i)))
        for i, (name, rate) in enumerate(_TUMOUR)
    }
    return columns | {
        "tnmpt": only(staged, size),
        # The legend repeats the tumour table for nodes.
        "tnmpn": only(staged, np.where(draw(374) < 0.8, "PT0", "PT1A").astype(object)),
        "tnmm": only(
            staged & (draw(375) < 0.1), np.where(draw(376) < 0.9, "CMO", "PM1").astype(object)
        ),
        "tnmdesc": only(staged & (draw(377) < 0.12), choice("tnmdesc").pick_cells(draw(378))),
        "tnmr": blank(len(severity)),
        "stage": only(
            staged & (draw(379) < 0.15), np.where(severity == 0, "IA", "0").astype(object)
        ),
        "specembed": only(
            surgery & (draw(370) < 0.2), np.where(draw(369) < 0.8, "Y", "N").astype(object)
        ),
        "estp": only(cancer & (draw(368) < 0.7), percent),
    }


def _numbers(surgery: Bools, severity: Ints, draw: Draw) -> dict[str, Cells]:
    """Numeric fields are 0 unless a surgical specimen was measured."""
    printed = cells_of([f"{value}.0" for value in range(200)])
    columns = {}
    for i, name in enumerate(_NUMBERS):
        largest = {
            "specsize": 140,
            "specsize2": 110,
            "specsize3": 60,
            "invsize": 45,
            "dcissize": 50,
        }.get(name, 12)
        measured = surgery & (draw(401 + i) < 0.7)
        if name == "invsize":
            measured &= severity == 0
        if name == "bdistance":
            measured = draw(401 + i) < 0.2
        value = np.where(measured, 1 + np.floor(draw(431 + i) ** 1.6 * largest), 0).astype(np.int64)
        columns[name] = printed[value]
    return columns


def _place(chunk: Chunk, some: Ints, draw: Draw) -> dict[str, Cells]:
    rows = chunk.rows.take(some)
    depth, _, _ = lesion_polar(
        chunk.patients.empi[chunk.exams.patient[rows.exam]], rows.side, rows.rank
    )
    letters = cells_of(["A", "M", "P"])[np.digitize(-depth, [-0.56, -0.42])]
    return {
        "loc": only(
            draw(461) < 0.46,
            cells_of([str(hour) for hour in range(1, 13)])[np.floor(draw(462) * 12).astype(int)],
        ),
        "bdepth": only(draw(463) < 0.17, letters),
    }


def _dates(chunk: Chunk, exam: Ints, biopsy: Bools, draw: Draw) -> dict[str, Cells]:
    acquired, _ = exam_dates(chunk)
    wait = np.where(biopsy, 1 + draw(471) * 20, 25 + draw(472) * 60)
    day = acquired[exam] + wait.astype(np.int64)
    reported = date_cells(day + (draw(473) < 0.3))
    return {
        "procdate_anon": date_cells(day),
        "pdate_anon": np.array([f"{text} 00:00:00" for text in reported], dtype=object),
    }
