"""Tables of 3000 patients with and without defects, and a small pictured data set, written once."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import pytest
from devstack.synthetic import Defects, Generation, Scale, write_dicoms, write_tables
from devstack.synthetic.paths import object_key
from devstack.synthetic.records import ImageJob, read_jobs

_IDS = {"empi_anon": str, "acc_anon": str}


@dataclass(frozen=True)
class Tables:
    """The two full tables as pandas reads them."""

    folder: Path
    clinical: pd.DataFrame
    metadata: pd.DataFrame


def read_tables(folder: Path) -> Tables:
    clinical = pd.read_csv(folder / "EMBED_OpenData_clinical.csv", dtype=_IDS, low_memory=False)
    metadata = pd.read_csv(folder / "EMBED_OpenData_metadata.csv", dtype=_IDS, low_memory=False)
    return Tables(folder, clinical, metadata)


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    folder = tmp_path_factory.mktemp("tables")
    write_tables(folder, Scale(patients=3000), seed=11)
    return read_tables(folder)


@pytest.fixture(scope="session")
def clean_tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    folder = tmp_path_factory.mktemp("clean")
    write_tables(folder, Scale(patients=1000), seed=11, defects=Defects.none())
    return read_tables(folder)


@dataclass(frozen=True)
class Pictures:
    """A few patients with all their files."""

    folder: Path
    jobs: list[ImageJob]

    def file(self, job: ImageJob) -> pydicom.FileDataset:
        return pydicom.dcmread(self.folder / object_key(job.row["anon_dicom_path"]))


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    """Patients at a tenth of the size: every transfer syntax, both sides, C-Views."""
    folder = tmp_path_factory.mktemp("pictures")
    small = Generation(pixel_scale=0.1, roi_share=3.0)
    write_tables(folder / "tables", Scale(patients=6), seed=3, generation=small)
    metadata = read_tables(folder / "tables").metadata
    patients = np.unique(metadata["empi_anon"].astype(int)).tolist()
    write_dicoms(folder / "tables", folder, patients, workers=1)
    return Pictures(folder, read_jobs(folder / "tables", patients))
