"""The metadata table's cells: one DICOM header and what EMBED derived from it, per image file."""

from dataclasses import dataclass

import numpy as np

from devstack.synthetic.arrays import VIEWS, Bools, Ints, count_within
from devstack.synthetic.chunks import Chunk
from devstack.synthetic.dates import date_cells, exam_dates
from devstack.synthetic.examinations import descriptions
from devstack.synthetic.geometry import Geometry, image_geometry
from devstack.synthetic.hashing import uniform
from devstack.synthetic.headers import drawn_headers
from devstack.synthetic.images import image_number
from devstack.synthetic.options import Generation
from devstack.synthetic.paths import path_cells, source_cells
from devstack.synthetic.population import model_rows
from devstack.synthetic.rois import outline_regions
from devstack.synthetic.vocabulary import Cells, cells_of, columns, load, only

_CLOCK = cells_of(
    [f"{s // 3600:02d}{s // 60 % 60:02d}{s % 60:02d}.0".lstrip("0") for s in range(86_400)]
)
_HOLOGIC, _GE, _FUJI = range(3)


@dataclass(frozen=True)
class Context:
    """What the column writers share: per-image exam and patient places, maker, side, view, a
    number of its own."""

    chunk: Chunk
    generation: Generation
    geometry: Geometry
    exam: Ints
    patient: Ints
    maker: Ints
    number: Ints
    place: Ints
    side: Cells
    view: Cells
    cview: Bools


def metadata_cells(
    chunk: Chunk, first_index: int, generation: Generation, *, pictured: Bools | None = None
) -> list[Cells]:
    """The 165 columns in file order, one encoded cell per image.

    `pictured` says which images have a file: where given, has_pix_array tells the truth about it.
    """
    context = _context(chunk, generation)
    table = {
        "Unnamed: 0": cells_of(list(range(first_index, first_index + len(chunk.images)))),
        **drawn_headers(context.number, context.maker, _exam_time(context)),
        **_times(context),
        **_machine(context),
        **_pixels(context),
        **_view(context),
        **_procedure(context),
        **_person(context),
        **_derived(context, pictured),
        **path_cells(chunk, context.number),
    }
    table |= _regions(context, table["anon_dicom_path"])
    return [table[name] for name in columns("metadata")]


def _context(chunk: Chunk, generation: Generation) -> Context:
    exam = chunk.images.exam
    patient = chunk.exams.patient[exam]
    place = count_within(exam)
    return Context(
        chunk=chunk,
        generation=generation,
        geometry=image_geometry(chunk, generation),
        exam=exam,
        patient=patient,
        maker=chunk.patients.maker[patient],
        number=image_number(chunk.facts, exam, place),
        place=place,
        side=cells_of(["L", "R"])[chunk.images.side],
        view=cells_of(list(VIEWS))[chunk.images.view],
        cview=chunk.images.cview,
    )


def _exam_time(context: Context) -> Cells:
    return np.asarray(_CLOCK[context.chunk.facts.second[context.exam]])


def _times(context: Context) -> dict[str, Cells]:
    taken = context.chunk.facts.second[context.exam] + 60 + 25 * context.place
    return {
        "AcquisitionTime": _CLOCK[taken],
        "ContentTime": np.array([cell[:-2] for cell in _CLOCK[taken + 3]], dtype=object),
        "SeriesTime": _CLOCK[taken],
        "StudyTime": _exam_time(context),
        "InstanceNumber": cells_of(list(range(1, 80)))[context.place],
        "SeriesNumber": _series_number(context),
    }


def _series_number(context: Context) -> Cells:
    combo = context.chunk.facts.tomo[context.exam]
    hologic = np.where(combo, "71300000", "71100000")
    return np.where(
        context.maker == _HOLOGIC, hologic, cells_of(list(range(1, 80)))[context.place]
    ).astype(object)


def _machine(context: Context) -> dict[str, Cells]:
    model = context.chunk.patients.model[context.patient]
    names = model_rows()
    magnified = context.chunk.images.modifier == 2
    large = context.chunk.facts.large[context.exam]
    paddle = np.where(
        magnified,
        "10CM MAG",
        np.where(
            context.chunk.images.modifier == 1,
            "10CM CONTACT",
            np.where(large, "24CM X 29CM", "18CM X 24CM"),
        ),
    )
    return {
        "Manufacturer": cells_of([name for name, _ in names])[model],
        "ManufacturerModelName": cells_of([name for _, name in names])[model],
        "FocalSpots": only(
            uniform(context.number, 501) < 0.95, np.where(magnified, "0.1", "0.3").astype(object)
        ),
        "PaddleDescription": only(uniform(context.number, 502) < 0.9, paddle.astype(object)),
    }


def _pixels(context: Context) -> dict[str, Cells]:
    geometry, cview, number = context.geometry, context.cview, context.number
    inverse = photometric_inverse(number)
    padded = uniform(number, 512) < 0.7
    bits = np.where(cview, "10.0", "12.0").astype(object)
    spacing = np.array(
        [f"[{value:.6g}, {value:.6g}]" for value in np.unique(geometry.spacing)], dtype=object
    )
    spacing = cells_of(spacing.tolist())[
        np.searchsorted(np.unique(geometry.spacing), geometry.spacing)
    ]
    floats = cells_of([f"{value}.0" for value in range(6001)])
    plain_type = cells_of(
        [
            "['ORIGINAL', 'PRIMARY', '']",
            "['DERIVED', 'PRIMARY', '']",
            "['DERIVED', 'PRIMARY', 'TOMOSYNTHESIS', 'GENERATED_2D', '', '', '', '', '0000000']",
        ]
    )
    kind = np.where(cview, 2, np.where(uniform(number, 513) < 0.2, 0, 1))
    return {
        "Rows": floats[geometry.rows],
        "Columns": floats[geometry.columns],
        "BitsStored": bits,
        "HighBit": np.where(cview, "9.0", "11.0").astype(object),
        "ImageType": plain_type[kind],
        "ImagerPixelSpacing": spacing,
        "PixelSpacing": only(cview | (uniform(number, 514) < 0.6), spacing),
        "PhotometricInterpretation": np.where(inverse, "MONOCHROME1", "MONOCHROME2").astype(object),
        "PresentationLUTShape": only(
            uniform(number, 515) < 0.98, np.where(inverse, "INVERSE", "IDENTITY").astype(object)
        ),
        "PixelPaddingValue": only(
            padded, np.where(inverse, np.where(cview, "1023.0", "4095.0"), "0.0").astype(object)
        ),
        "PixelPaddingRangeLimit": only(
            padded & (context.maker == _FUJI), np.where(inverse, "4095.0", "0.0").astype(object)
        ),
        **_window(context),
    }


def photometric_inverse(number: Ints) -> Bools:
    """The few images stored as MONOCHROME1."""
    return np.asarray(uniform(number, 511) < 0.025)


def _window(context: Context) -> dict[str, Cells]:
    """Hologic: one window by kind of image. GE: three, explained. Fuji: one."""
    maker, cview = context.maker, context.cview
    centre = cells_of(["2047.0", "540.0", "[2300.0, 2200.0, 2400.0]", "2048.0"])
    width = cells_of(["4096.0", "580.0", "[2000.0, 1600.0, 2600.0]", "4096.0"])
    which = np.where(maker == _GE, 2, np.where(maker == _FUJI, 3, np.where(cview, 1, 0)))
    known = uniform(context.number, 521) >= 0.02
    ge = cells_of(["['NORMAL', 'HARDER', 'SOFTER']"])[0]
    return {
        "WindowCenter": only(known, centre[which]),
        "WindowWidth": only(known, width[which]),
        "VOILUTFunction": np.where(
            (maker == _GE) & known, "SIGMOID", np.where((maker == _FUJI) & known, "LINEAR", "")
        ).astype(object),
        "WindowCenterWidthExplanation": np.where((maker == _GE) & known, ge, "").astype(object),
    }


def _view(context: Context) -> dict[str, Cells]:
    number, images = context.number, context.chunk.images
    codes = load("vocabulary")["view_code"]
    modifiers = load("vocabulary")["modifier"]
    meaning = cells_of(
        [None, *(modifiers[name][0] for name in ("spot", "magnification", "implant"))]
    )[images.modifier]
    value = cells_of(
        [None, *(modifiers[name][1] for name in ("spot", "magnification", "implant"))]
    )[images.modifier]
    angle = np.where(context.geometry.frame.oblique, np.where(images.view == 1, 45.0, 90.0), 0.0)
    angle += np.where(images.view == 1, np.rint(uniform(number, 531) * 20 - 10), 0)
    scheme = only(meaning != "", cells_of(["SRT"])[np.zeros(len(number), int)])
    return {
        "ViewPosition": only(uniform(number, 532) >= 0.003, context.view),
        "0_ViewCodeSequence_CodeMeaning": cells_of([codes[name][0] for name in VIEWS])[images.view],
        "0_ViewCodeSequence_CodeValue": cells_of([codes[name][1] for name in VIEWS])[images.view],
        "0_ViewCodeSequence_CodingSchemeDesignator": np.where(
            uniform(number, 533) < 0.7, "SNM3", "SRT"
        ).astype(object),
        "0_ViewCodeSequence_ViewModifierCodeSequence": only(
            (images.modifier == 0) & (uniform(number, 534) < 0.1),
            cells_of(["[]"])[np.zeros(len(number), int)],
        ),
        "0_ViewCodeSequence_0_ViewModifierCodeSequence_CodeMeaning": meaning,
        "0_ViewCodeSequence_0_ViewModifierCodeSequence_CodeValue": value,
        "0_ViewCodeSequence_0_ViewModifierCodeSequence_CodingSchemeDesignator": scheme,
        "PositionerPrimaryAngle": only(
            uniform(number, 535) >= 0.02,
            cells_of([f"{v}.0" for v in range(181)])[angle.astype(int)],
        ),
        "ImageLaterality": only(uniform(number, 536) >= 0.01, context.side),
        "Laterality": only(context.maker != _HOLOGIC, context.side),
        "PatientOrientation": _orientation(context),
        "FieldOfViewHorizontalFlip": only(
            uniform(number, 537) >= 0.05,
            np.where(context.geometry.chest_wall_right, "YES", "NO").astype(object),
        ),
        **_series_names(context),
        **_source_image(context),
    }


def _orientation(context: Context) -> Cells:
    """Direction of rows and columns: anterior or posterior to the right, then the patient's side
    or feet downwards."""
    towards = np.where(context.geometry.chest_wall_right, "P", "A")
    opposite = np.where(context.chunk.images.side == 0, "R", "L")
    feet = np.where(context.chunk.images.view == 1, np.char.add("F", opposite), "F")
    down = np.where(context.geometry.frame.oblique, feet, opposite)
    texts = [f"\"['{row}', '{column}']\"" for row, column in zip(towards, down, strict=True)]
    missing = context.generation.defects.missing_orientation
    return only(uniform(context.number, 538) >= missing, np.array(texts, dtype=object))


def _series_names(context: Context) -> dict[str, Cells]:
    side, view = context.side, context.view
    protocol = only(
        uniform(context.number, 541) >= 0.05, side + " " + view + _protocol_suffix(context)
    )
    separator = np.where(context.maker == _GE, "_", " ").astype(object)
    name = side + separator + view + np.where(context.cview, " C-View", "").astype(object)
    magnified = np.where(
        context.chunk.images.modifier == 2,
        " Mag",
        np.where(context.chunk.images.modifier == 1, " Spot", ""),
    )
    return {
        "SeriesDescription": name + magnified.astype(object),
        "ProtocolName": protocol,
        "PerformedProcedureStepDescription": only(
            uniform(context.number, 542) >= 0.1, side + " " + view
        ),
    }


def _protocol_suffix(context: Context) -> Cells:
    combo = context.chunk.facts.tomo[context.exam]
    high = uniform(context.number, 543) < 0.5
    return np.where(combo, np.where(high, " ComboHD", " Combo"), "").astype(object)


def _source_image(context: Context) -> dict[str, Cells]:
    """The reference of a presentation image to the raw image it was made from, in a part of the
    files."""
    n = len(context.number)
    known = uniform(context.number, 551) < 0.9
    prefix = "0_SourceImageSequence_0_PurposeOfReferenceCodeSequence_"
    source = {
        "CodeMeaning": "Source image for image processing operation",
        "CodeValue": "121322.0",
        "CodingSchemeDesignator": "DCM",
    }
    cells = {
        prefix + name: only(known, np.full(n, text, dtype=object)) for name, text in source.items()
    }
    return cells | {
        "0_SourceImageSequence_SpatialLocationsPreserved": only(
            known, np.full(n, "YES", dtype=object)
        ),
    }


def _procedure(context: Context) -> dict[str, Cells]:
    facts = context.chunk.facts
    names = descriptions()
    text = cells_of([*names, None])[facts.study_desc][context.exam]
    short = cells_of([*(name[:16] for name in names), None])[facts.study_desc]
    coded = np.array(
        [f"H{value % 10**12:012d}" for value in (facts.acc * 7).tolist()], dtype=object
    )
    study = np.where(uniform(facts.acc, 561) < 0.4, coded, short)
    number = cells_of([None, "2153", "700", "MG0010", "699"])
    mixed = 1 + np.floor(uniform(facts.acc, 562) * 4).astype(int)
    if not context.generation.defects.mixed_sequence_codes:
        mixed = np.where(mixed == 3, 2, mixed)
    return {
        "StudyDescription": only(uniform(facts.acc, 563)[context.exam] >= 0.008, text),
        "StudyID": only(uniform(facts.acc, 564) >= 0.05, study)[context.exam],
        "0_ProcedureCodeSequence_CodeMeaning": only(uniform(context.number, 565) >= 0.1, text),
        "0_ProcedureCodeSequence_CodeValue": only(
            uniform(context.number, 566) >= 0.1, number[mixed][context.exam]
        ),
        "0_PerformedProtocolCodeSequence_CodeMeaning": only(
            uniform(context.number, 567) >= 0.1, text
        ),
        "0_PerformedProtocolCodeSequence_CodeValue": only(
            uniform(context.number, 568) >= 0.1, number[1 + mixed % 2][context.exam]
        ),
    }


def _person(context: Context) -> dict[str, Cells]:
    chunk = context.chunk
    years = (
        ((chunk.exams.day - chunk.patients.birth[chunk.exams.patient]) / 365.25)
        .astype(np.int64)
        .clip(15, 89)
    )
    bare = uniform(chunk.facts.acc, 571) < context.generation.defects.bare_patient_age
    age = np.where(
        bare, cells_of(list(range(100)))[years], cells_of([f"{n:03d}Y" for n in range(100)])[years]
    )
    implant = np.where(chunk.patients.implants, "YES", "NO").astype(object)
    acquired, _ = exam_dates(chunk)
    date = date_cells(acquired)
    stamped = uniform(chunk.facts.acc, 572) < context.generation.defects.timestamped_dates
    date = np.where(stamped, date + " 00:00:00", date)
    return {
        "PatientAge": only(uniform(chunk.facts.acc, 573) >= 0.02, age)[context.exam],
        "PatientSex": np.where(chunk.patients.male, "M", "F").astype(object)[context.patient],
        "BreastImplantPresent": only(
            uniform(context.number, 574) >= 0.05, implant[context.patient]
        ),
        "empi_anon": np.char.mod("%d", chunk.patients.empi).astype(object)[context.patient],
        "acc_anon": np.char.mod("%d", chunk.facts.acc).astype(object)[context.exam],
        "study_date_anon": date.astype(object)[context.exam],
        "cohort_num": cells_of([0, 1, 2])[chunk.patients.cohort][context.patient],
    }


def _derived(context: Context, pictured: Bools | None) -> dict[str, Cells]:
    number, defects = context.number, context.generation.defects
    spot = (context.chunk.images.modifier == 1) | (context.chunk.images.modifier == 2)
    readable = (
        uniform(number, 581) >= defects.unreliable_pixel_flags if pictured is None else pictured
    )
    flag = np.where(
        uniform(number, 582) < 0.9, "0.0", np.where(uniform(number, 583) < 0.8, "1.0", "2.0")
    )
    return {
        "LateralityDeriveFlag": flag.astype(object),
        "ImageLateralityFinal": context.side,
        "FinalImageType": np.where(context.cview, "cview", "2D").astype(object),
        "spot_mag": np.where(spot, "1.0", "0.0" if defects.spot_mag_zero else "").astype(object),
        "has_pix_array": np.where(readable, "True", "False").astype(object),
        "category": np.where(readable, "uncategorized", "no image").astype(object),
    }


def _regions(context: Context, dicom_path: Cells) -> dict[str, Cells]:
    regions = outline_regions(context.chunk, context.geometry, context.generation)
    return {
        "SRC_DST": source_cells(regions.number, dicom_path, context.number),
        "num_roi": cells_of(list(range(40)))[regions.number],
        "ROI_coords": regions.coordinates,
        "match_level": regions.match_level,
    }
