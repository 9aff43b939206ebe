"""UIDs and paths: of the real shape, under arcs that no real study uses."""

import numpy as np

from devstack.synthetic.arrays import Ints
from devstack.synthetic.chunks import Chunk
from devstack.synthetic.hashing import hash_keys
from devstack.synthetic.vocabulary import Cells, encode_cell

PATH_PREFIX = "/mnt/NAS2/mammo/anon_dicom"
KEY_PREFIX = "images"
EXAMPLE_ARC = "2.999"
"""The OID arc for examples (ITU-T X.660): study and series UIDs under it are plainly nobody's."""
_SOP_ROOT = "1.2.826.0.1.3680043.8.498"
_TEN_19 = np.uint64(10**19)


def object_key(anon_dicom_path: str) -> str:
    """The S3 key of an `anon_dicom_path`: its prefix becomes `images`."""
    if not anon_dicom_path.startswith(f"{PATH_PREFIX}/"):
        raise ValueError(f"not an anon_dicom_path: {anon_dicom_path}")
    return KEY_PREFIX + anon_dicom_path.removeprefix(PATH_PREFIX)


def path_cells(chunk: Chunk, number: Ints) -> dict[str, Cells]:
    """anon_dicom_path, the leftover PNG columns, and SRC_DST of images."""
    exam = chunk.images.exam
    patient = chunk.exams.patient[exam]
    studies = _study_uids(chunk.facts.acc)
    dicom, png, folder, name = [], [], [], []
    digests = _digests(chunk, number)
    series, instances = _series_uids(number), _instance_uids(number)
    for i, (person, study, cohort) in enumerate(
        zip(
            chunk.patients.empi[patient].tolist(),
            exam.tolist(),
            chunk.patients.cohort[patient].tolist(),
            strict=True,
        )
    ):
        dicom.append(
            f"{PATH_PREFIX}/cohort_{cohort}/{person}/{studies[study]}/{series[i]}/{instances[i]}.dcm"
        )
        a, b, c = digests[i]
        folder.append(f"/data/mammo/png/cohort_{cohort}/extracted-images/{a}/{b}")
        name.append(f"{c}.png")
        png.append(f"{folder[-1]}/{name[-1]}")
    return {
        "anon_dicom_path": np.array(dicom, dtype=object),
        "png_path": np.array(png, dtype=object),
        "png_folder_path": np.array(folder, dtype=object),
        "png_filename": np.array(name, dtype=object),
    }


def source_cells(outlined: Ints, dicom_path: Cells, number: Ints) -> Cells:
    """SRC_DST: the screen-save files a region came from; '[]' without a region."""
    cells = np.full(len(number), "[]", dtype=object)
    for place in np.flatnonzero(outlined).tolist():
        folder = str(dicom_path[place]).rsplit("/", 2)[0]
        saves = [
            f"{folder}/{EXAMPLE_ARC}.7.{number[place]}/{i + 1}.dcm"
            for i in range(int(outlined[place]))
        ]
        cells[place] = encode_cell(repr(saves))
    return cells


def _study_uids(acc: Ints) -> list[str]:
    """`2.999.84.11397.3.6x.1.<8 digits>.<8 date-like digits>.<n>`, the shape of EMBED's study
    UIDs."""
    words = hash_keys(acc, 601)
    first = 10_000_000 + words % np.uint64(90_000_000)
    second = np.uint64(20_000_000) + (words >> np.uint64(32)) % np.uint64(9_999_999)
    last = 1 + (words >> np.uint64(20)) % np.uint64(99_999)
    return [
        f"{EXAMPLE_ARC}.84.11397.3.61.1.{a}.{b}.{c}"
        for a, b, c in zip(first.tolist(), second.tolist(), last.tolist(), strict=True)
    ]


def _series_uids(number: Ints) -> list[str]:
    words = hash_keys(number, 602)
    return [
        f"{EXAMPLE_ARC}.113681.{a % 10**10}.{a >> 40}.{n}"
        for a, n in zip(words.tolist(), number.tolist(), strict=True)
    ]


def _instance_uids(number: Ints) -> list[str]:
    """pydicom's root and 38 digits, as the released files have."""
    high = hash_keys(number, 603) % (_TEN_19 - np.uint64(10**18)) + np.uint64(10**18)
    low = hash_keys(number, 604) % _TEN_19
    return [f"{_SOP_ROOT}.{a}{b:019d}" for a, b in zip(high.tolist(), low.tolist(), strict=True)]


def _digests(chunk: Chunk, number: Ints) -> list[tuple[str, str, str]]:
    """56 hexadecimal digits for patient, exam and file."""
    exam = chunk.images.exam
    patients = _hex_digits(chunk.patients.empi)
    exams = _hex_digits(chunk.facts.acc)
    files = _hex_digits(number)
    patient = chunk.exams.patient[exam]
    return [
        (patients[p], exams[e], f)
        for p, e, f in zip(patient.tolist(), exam.tolist(), files, strict=True)
    ]


def _hex_digits(key: Ints) -> list[str]:
    words = [hash_keys(key, 605, part).tolist() for part in range(4)]
    return [
        f"{a:016x}{b:016x}{c:016x}{d & 0xFFFFFFFF:08x}" for a, b, c, d in zip(*words, strict=True)
    ]
