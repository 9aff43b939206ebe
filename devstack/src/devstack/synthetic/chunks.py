"""A chunk of the data set: whole patients with everything of theirs, generated together and
independent of other chunks."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from devstack.synthetic.arrays import (
    Bools,
    ClinicalRows,
    Exams,
    Images,
    Ints,
    Patients,
    count_within,
)
from devstack.synthetic.examinations import ExamFacts, describe_exams
from devstack.synthetic.images import list_images
from devstack.synthetic.options import Generation
from devstack.synthetic.population import draw_patients
from devstack.synthetic.procedures import clinical_rows
from devstack.synthetic.timeline import simulate_exams

PATIENTS_PER_CHUNK = 1000


@dataclass(frozen=True)
class Chunk:
    """Patients, their exams with what is known of each, the rows of the clinical table and the
    image files."""

    patients: Patients
    exams: Exams
    facts: ExamFacts
    rows: ClinicalRows
    images: Images

    def take_patients(self, keep: Bools) -> Self:
        """The same chunk with only some of its patients."""
        exams, patient_of = _renumber(self.exams.patient, keep)
        rows, exam_of_row = _renumber(self.rows.exam, exams)
        images, exam_of_image = _renumber(self.images.exam, exams)
        return type(self)(
            patients=self.patients.take(keep),
            exams=self.exams.take(exams).replace(patient=patient_of),
            facts=self.facts.take(exams),
            rows=self.rows.take(rows).replace(exam=exam_of_row),
            images=self.images.take(images).replace(exam=exam_of_image),
        )

    def first_images(self, count: int) -> Self:
        """The first `count` images and the patients and exams they belong to."""
        images = self.images.take(np.arange(count))
        exams = np.arange(len(self.exams)) <= images.exam[-1]
        patients = np.arange(len(self.patients)) <= self.exams.patient[images.exam[-1]]
        rows = self.rows.take(exams[self.rows.exam])
        return type(self)(
            self.patients.take(patients),
            self.exams.take(exams),
            self.facts.take(exams),
            rows,
            images,
        )


def _renumber(parent: Ints, keep: Bools) -> tuple[Bools, Ints]:
    """Which children survive when only some parents are kept, and the survivors' new parent
    numbers."""
    survives = keep[parent]
    return survives, (np.cumsum(keep) - 1)[parent[survives]]


def join_chunks(chunks: list[Chunk]) -> Chunk:
    """Several chunks as one, in order."""
    patients = np.cumsum([0] + [len(c.patients) for c in chunks])
    exams = np.cumsum([0] + [len(c.exams) for c in chunks])
    pairs = list(zip(chunks, patients, exams, strict=False))
    return Chunk(
        Patients.join([c.patients for c in chunks]),
        Exams.join([c.exams.replace(patient=c.exams.patient + p) for c, p, _ in pairs]),
        ExamFacts.join([c.facts for c in chunks]),
        ClinicalRows.join([c.rows.replace(exam=c.rows.exam + e) for c, _, e in pairs]),
        Images.join([c.images.replace(exam=c.images.exam + e) for c, _, e in pairs]),
    )


def generate_chunk(seed: int, chunk: int, generation: Generation) -> Chunk:
    """Patients `chunk * 1000` and on. The same seed, number and generation give the same chunk,
    in any order of calls."""
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, chunk])))
    numbers = np.arange(chunk * PATIENTS_PER_CHUNK, (chunk + 1) * PATIENTS_PER_CHUNK)
    patients = draw_patients(rng, numbers, seed, generation)
    exams, findings = simulate_exams(rng, patients, generation)
    facts = describe_exams(patients, exams, count_within(exams.patient), seed, generation)
    rows = clinical_rows(rng, exams, findings, generation.defects)
    images = list_images(rng, patients, exams, facts, rows, generation)
    return Chunk(patients, exams, facts, rows, images)


__all__ = ["PATIENTS_PER_CHUNK", "Chunk", "generate_chunk", "join_chunks"]
