"""Samples from a frozen cohort: its members from the catalog, their pixels from imagery."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from trainer.birads import UNKNOWN, place_of
from trainer.budget import hold, make_room, note_dataset
from trainer.catalog import CatalogClient, Member
from trainer.evaluation.subgroups import VARIABLES
from trainer.fetching import ImageryClient, Progress, fetch_pixels
from trainer.pixels import MISSING, Geometry, PixelArray, array_folder, sole_owner
from trainer.reuse import name_pictures, reuse_pictures
from trainer.samples import SPLITS, Samples, SamplesError, label_field
from trainer.spec import CohortSource, digest

Value = TypeVar("Value")

# What the acquisition wrote into the header; nothing that a reader or a pathologist found.
HEADER = (
    "Manufacturer",
    "ManufacturerModelName",
    "FinalImageType",
    "ViewPosition",
    "ImageLateralityFinal",
    "Rows",
    "Columns",
    "BodyPartThickness",
    "CompressionForce",
    "KVP",
    "ExposureInuAs",
    "spot_or_magnification",
)


NAMED = 5  # missing images that a message tells by name


@dataclass
class MemberTable:
    """The members of a cohort in columns of a few bytes each."""

    classes: tuple[str, ...]
    lineage: dict[str, Any] = field(default_factory=dict)
    image_ids: list[int] = field(default_factory=list)
    uids: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    splits: list[int] = field(default_factory=list)
    patients: list[int] = field(default_factory=list)
    birads: list[int] = field(default_factory=list)
    exams: list[int] = field(default_factory=list)
    breasts: list[int] = field(default_factory=list)
    attributes: dict[str, list[str | float | bool | None]] = field(
        default_factory=lambda: {name: [] for name in VARIABLES}
    )
    header: dict[str, list[str | float | None]] = field(
        default_factory=lambda: {name: [] for name in HEADER}
    )
    outlined: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Rows and columns of the test images that have an ROI, by image."""
    rois: dict[str, Any] = field(default_factory=dict)
    exam_names: list[str] = field(default_factory=list)
    _places: dict[int, int] = field(default_factory=dict)
    _people: dict[str, int] = field(default_factory=dict)
    _exams: dict[str, int] = field(default_factory=dict)
    _breasts: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def label_field(self) -> str | None:
        """The column that labels come from, e.g. `asses`."""
        return label_field(self.lineage)

    def add(self, member: Member) -> None:
        """Append a member; SamplesError where its label is of no class."""
        if member.label not in self.classes:
            raise SamplesError(
                f"the cohort has a label {member.label!r} that is none of its classes"
            )
        if member.image_id not in self._places:
            self._places[member.image_id] = len(self.image_ids)
            self.image_ids.append(member.image_id)
            self.uids.append(member.sop_instance_uid)
        self.rows.append(self._places[member.image_id])
        self.labels.append(self.classes.index(member.label))
        self.splits.append(SPLITS.index(member.split))
        self.patients.append(self._people.setdefault(member.patient_id, len(self._people)))
        self.birads.append(place_of(member.attributes.get("asses")))
        breast = member.exam_id, str(member.attributes.get("ImageLateralityFinal"))
        if member.exam_id not in self._exams:
            self._exams[member.exam_id] = len(self.exam_names)
            self.exam_names.append(member.exam_id)
        self.exams.append(self._exams[member.exam_id])
        self.breasts.append(self._breasts.setdefault(breast, len(self._breasts)))
        if member.split == "test" and member.attributes.get("num_roi"):
            sizes = [int(member.attributes.get(name) or 0) for name in ("Rows", "Columns")]
            self.outlined[member.image_id] = sizes[0], sizes[1]
        for columns in (self.header, self.attributes):
            for name, values in columns.items():
                values.append(member.attributes.get(name))


async def read_members(catalog: CatalogClient, source: CohortSource) -> MemberTable:
    """All members of the cohort, and where it comes from."""
    table = MemberTable(source.classes, await _lineage(catalog, source))
    async for member in catalog.iterate_members(source.cohort_id):
        table.add(member)
    if not table.rows:
        raise SamplesError("the cohort has no members")
    table.rois = {
        str(image_id): {"full": table.outlined[image_id], "rois": rois}
        async for image_id, rois in catalog.iterate_rois(list(table.outlined))
        if rois and all(table.outlined[image_id])
    }
    return table


async def _lineage(catalog: CatalogClient, source: CohortSource) -> dict[str, Any]:
    cohort = await catalog.find_cohort(source.cohort_id)
    dataset = await catalog.find_dataset(source.dataset)
    return {
        "cohort": cohort.model_dump(mode="json", exclude={"warnings", "classes"}),
        "dataset": dataset.model_dump(mode="json"),
    }


@dataclass(frozen=True)
class CohortReader:
    """Turns a cohort into samples."""

    catalog: CatalogClient
    imagery: ImageryClient
    scratch: Path
    concurrency: int
    budget: int

    async def fetch(
        self, source: CohortSource, table: MemberTable, geometry: Geometry, progress: Progress
    ) -> PixelArray:
        """The pixel array of the members, complete but for what is missing.

        Another process of this host that fetches the same images is waited for.
        """
        folder = array_folder(
            self.scratch, source.dataset, source.revision_id, table.uids, geometry
        )
        async with sole_owner(folder):
            hold(folder)
            make_room(folder.parent, self.budget)
            array = PixelArray.open(folder, len(table.uids), geometry.size)
            note_dataset(folder, source.dataset)
            if len(array.waiting()):
                names = name_pictures(source.dataset, source.revision_id, table.uids, geometry)
                await asyncio.to_thread(reuse_pictures, array, names)
                await fetch_pixels(
                    self.imagery, array, table.image_ids, geometry, self.concurrency, progress
                )
            # A later process asks again for what is missing; this job keeps what it saw.
            return replace(array, states=array.states.copy(), shapes=array.shapes.copy())


def assemble(
    table: MemberTable, array: PixelArray, tolerance: float, *, birads: bool = False
) -> Samples:
    """Samples of the members whose pixels are there; with ``birads`` of those with an assessment.

    Raises:
        SamplesError: more than ``tolerance`` of the images are missing or unreadable, or none has
            an assessment that a network was to be told.
    """
    gaps = np.flatnonzero(array.states == MISSING)
    missing = _name_missing([table.image_ids[row] for row in gaps], len(array.states))
    share = len(gaps) / len(array.states)
    if share > tolerance:
        raise SamplesError(f"{missing}: {share:.1%}, where {tolerance:.1%} is tolerated")
    rows = np.array(table.rows, np.int64)
    present = np.flatnonzero(array.states[rows] != MISSING)
    told = np.array(table.birads, np.int64)
    kept = present[told[present] != UNKNOWN] if birads else present
    if not len(kept):
        raise SamplesError("no image of the cohort has a BI-RADS assessment")
    header = known_columns(table.header, kept)
    header["aspect"] = (array.shapes[rows[kept], 0] / array.shapes[rows[kept], 1]).tolist()
    labels, splits = np.array(table.labels, np.int64)[kept], np.array(table.splits, np.int8)[kept]
    patients = np.array(table.patients, np.int64)[kept]
    described = {"pixels": array.sha256(), "rows": rows[kept].tolist(), "labels": labels.tolist()}
    if birads:
        described["birads"] = told[kept].tolist()
    return Samples(
        images=array.images,
        rows=rows[kept],
        labels=labels,
        splits=splits,
        patients=patients,
        keys=[str(table.image_ids[row]) for row in rows[kept]],
        classes=table.classes,
        header=header,
        exams=np.array(table.exams, np.int64)[kept],
        breasts=np.array(table.breasts, np.int64)[kept],
        attributes=known_columns(table.attributes, kept),
        rois=table.rois,
        lineage=table.lineage,
        sha256=digest(described | {"splits": splits.tolist(), "patients": patients.tolist()}),
        birads=told[kept] if birads else None,
        notes=tuple(_notes(missing if len(gaps) else "", len(present) - len(kept))),
    )


def _name_missing(image_ids: Sequence[int], images: int) -> str:
    """How many, and the first of them: who asks imagery for one of them reads why."""
    named = ", ".join(map(str, image_ids[:NAMED])) + ", …" * (len(image_ids) > NAMED)
    return f"{len(image_ids)} of {images} images are missing or unreadable ({named})"


def _notes(missing: str, unread: int) -> Iterator[str]:
    if missing:
        yield f"{missing} and were left out"
    if unread:
        yield f"{unread} images have no BI-RADS assessment to tell the network and were left out"


def known_columns(
    columns: Mapping[str, Sequence[Value]], places: NDArray[np.int64]
) -> dict[str, list[Value]]:
    """The columns at ``places``, without those that hold nothing."""
    taken = {name: [values[i] for i in places] for name, values in columns.items()}
    return {name: values for name, values in taken.items() if any(v is not None for v in values)}
