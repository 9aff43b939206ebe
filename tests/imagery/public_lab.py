"""Gateway, catalog and imagery on sockets, over a small dataset of real files.

`screening`: one patient with an exam of four views and an exam before it, of which one file has
been lost since. The files tell more than may be shown: numbers of another hospital, a serial
number, a name.
"""

import csv
import io
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from catalog.app import create_app as create_catalog
from catalog.migrate import migrate as migrate_catalog
from catalog.settings import Settings as CatalogSettings
from devstack.objects import make_client
from devstack.seaweedfs import S3Server
from devstack.testing import IdentityKeys
from devstack.throwaway import psql
from dicom_files import (
    EXPLICIT,
    JPEG_2000_LOSSLESS,
    JPEG_LOSSLESS_SV1,
    JPEG_LS,
    Made,
    breast,
    dicom_bytes,
)
from gateway.app import create_app as create_gateway
from gateway.migrate import migrate as migrate_gateway
from gateway.settings import Settings as GatewaySettings
from imagery.app import create_app as create_imagery
from imagery.settings import ImagerySettings

from tests.gateway.conftest import Gateway, serving

DATASET = "screening"
PATIENT, EXAM, PRIOR = "10000001", "2000000000000001", "2000000000000002"
STUDY, PRIOR_STUDY = "1.2.826.0.1.3680043.2.1", "1.2.826.0.1.3680043.2.2"
SECRETS = ("Doe^Jane", "ACC-OTHER-77", "ADM-OTHER-88", "SERIAL-99", "Mercy Hospital", "MRN-66")
CODES = {"CC": ("399162004", "cranio-caudal"), "MLO": ("399368009", "medio-lateral oblique")}


ORIENTATIONS = {
    ("L", "CC"): ["A", "R"],
    ("R", "CC"): ["P", "L"],
    ("L", "MLO"): ["A", "FR"],
    ("R", "MLO"): ["P", "FL"],
}


@dataclass(frozen=True)
class View:
    """One image: which breast, which view, how its file is written."""

    side: str
    view: str
    syntax: str
    number: int
    study: str = STUDY
    exam: str = EXAM
    rows: int = 512
    columns: int = 416
    rois: str = "()"
    lost: bool = False

    @property
    def series(self) -> str:
        """An image a series, as mammography units do it."""
        return f"{self.study}.{self.number}"

    @property
    def instance(self) -> str:
        """Its SOP Instance UID."""
        return f"{self.series}.1"

    @property
    def key(self) -> str:
        """Below the image root."""
        return f"cohort_1/{PATIENT}/{self.study}/{self.series}/{self.instance}.dcm"

    def file(self) -> bytes:
        """The file, with what must not be shown."""
        values = breast(self.rows, self.columns, right=self.side == "R", seed=self.number)
        code = {"CodeValue": CODES[self.view][0], "CodingSchemeDesignator": "SCT"}
        code["CodeMeaning"] = CODES[self.view][1]
        elements = {
            "StudyInstanceUID": self.study,
            "SeriesInstanceUID": self.series,
            "SOPInstanceUID": self.instance,
            "StudyDate": "20150302",
            "SeriesNumber": 71100000,
            "InstanceNumber": self.number,
            "ImageLaterality": self.side,
            "ViewPosition": self.view,
            "WindowCenter": 2047,
            "WindowWidth": 4096,
            "PresentationIntentType": "FOR PRESENTATION",
            "PresentationLUTShape": "IDENTITY",
            "PatientOrientation": ORIENTATIONS[self.side, self.view],
            "SeriesDescription": f"{self.side} {self.view}",
            "ImagerPixelSpacing": [0.07, 0.07],
            "ViewCodeSequence": [_item(code)],
            **dict(zip(_SECRET_KEYWORDS, SECRETS, strict=True)),
        }
        return dicom_bytes(values, Made(self.syntax, elements=elements))

    def row(self) -> dict[str, str]:
        """Its row of the metadata table."""
        return {
            "empi_anon": PATIENT,
            "acc_anon": self.exam,
            "study_date_anon": "2015-03-02",
            "anon_dicom_path": f"/mnt/NAS2/mammo/anon_dicom/{self.key}",
            "ImageLateralityFinal": self.side,
            "ViewPosition": self.view,
            "FinalImageType": "2D",
            "num_roi": "1" if self.rois != "()" else "0",
            "spot_mag": "",
            "ROI_coords": self.rois,
            "match_level": "[1]" if self.rois != "()" else "[]",
            "Modality": "MG",
            "StudyDescription": "MG Screening Bilateral",
            "SeriesDescription": f"{self.side} {self.view}",
            "SeriesNumber": "71100000",
            "InstanceNumber": str(self.number),
            "Rows": f"{self.rows}.0",
            "Columns": f"{self.columns}.0",
            "BitsAllocated": "16.0",
            "PatientSex": "F",
            "StudyTime": "93015.0",
            "PatientOrientation": "['A', 'F']",
            "PresentationIntentType": "FOR PRESENTATION",
            "0_ViewCodeSequence_CodeValue": CODES[self.view][0],
            "0_ViewCodeSequence_CodeMeaning": CODES[self.view][1],
            "0_ViewCodeSequence_CodingSchemeDesignator": "SCT",
        }


_SECRET_KEYWORDS = (
    *("PatientName", "AccessionNumber", "AdmissionID", "DeviceSerialNumber", "InstitutionName"),
    "PatientID",
)

VIEWS = (
    View("L", "CC", JPEG_LOSSLESS_SV1, 1, rows=4096, columns=3328),
    View("R", "CC", EXPLICIT, 2),
    View("L", "MLO", JPEG_LS, 3, rois="((100, 50, 200, 150),)"),
    View("R", "MLO", JPEG_2000_LOSSLESS, 4),
    View("L", "CC", JPEG_LOSSLESS_SV1, 5, PRIOR_STUDY, PRIOR),
    View("R", "CC", EXPLICIT, 6, PRIOR_STUDY, PRIOR, lost=True),
)


def _item(values: dict[str, str]) -> Any:
    from pydicom.dataset import Dataset

    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


@dataclass
class PublicLab:
    """The running lab: its address, people, and what was stored."""

    gateway: Gateway
    files: dict[str, bytes] = field(default_factory=dict)
    image_ids: dict[str, int] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Of the gateway."""
        return self.gateway.url


@contextmanager
def running_lab(
    postgres_url: str, valkey_url: str, s3: S3Server, keys: IdentityKeys, folder: Path
) -> Iterator[PublicLab]:
    """The lab with its dataset ingested."""
    name = f"public_{secrets.token_hex(6)}"
    psql(postgres_url, f'CREATE DATABASE "{name}" TEMPLATE template0')
    database = f"{postgres_url.rpartition('/')[0]}/{name}"
    migrate_catalog(database)
    migrate_gateway(database)
    bucket = f"public-{secrets.token_hex(6)}"
    common = {
        "identity_jwks": keys.jwks_path,
        "s3_endpoint_url": s3.endpoint_url,
        "s3_region": s3.region,
        "s3_access_key_id": s3.access_key_id,
        "s3_secret_access_key": s3.secret_access_key,
    }
    with ExitStack() as stack:
        catalog_url = stack.enter_context(
            serving(
                create_catalog(
                    CatalogSettings(
                        **common,
                        database_url=database,
                        default_dataset=DATASET,
                        mirror_root=folder,
                    )
                )
            )
        )
        imagery = ImagerySettings(
            **common,
            catalog_url=catalog_url,
            cache_url=valkey_url,
            workers=2,
            disk_cache_dir=folder / "sources",
        )
        imagery_url = stack.enter_context(serving(create_imagery(imagery)))
        settings = GatewaySettings(
            database_url=database,
            signing_key=keys.gateway_key_path,
            cache_url=valkey_url,
            catalog_url=catalog_url,
            imagery_url=imagery_url,
            trainer_url="http://127.0.0.1:9",
        )
        app = create_gateway(settings)
        lab = PublicLab(Gateway(stack.enter_context(serving(app)), app, settings, stack))
        _store(lab, s3, bucket)
        _ingest(lab, folder, bucket)
        _lose(s3, bucket)
        yield lab
    psql(postgres_url, f'DROP DATABASE "{name}" WITH (FORCE)')


def _store(lab: PublicLab, s3: S3Server, bucket: str) -> None:
    with closing(make_client(s3)) as objects:
        objects.create_bucket(Bucket=bucket)
        for view in VIEWS:
            lab.files[view.instance] = view.file()
            key, body = f"images/{view.key}", lab.files[view.instance]
            objects.put_object(Bucket=bucket, Key=key, Body=body)


def _lose(s3: S3Server, bucket: str) -> None:
    with closing(make_client(s3)) as objects:
        for view in VIEWS:
            if view.lost:
                objects.delete_object(Bucket=bucket, Key=f"images/{view.key}")


def _ingest(lab: PublicLab, folder: Path, bucket: str) -> None:
    metadata = [view.row() for view in VIEWS]
    clinical = [
        {
            "empi_anon": PATIENT,
            "acc_anon": exam,
            "study_date_anon": "2015-03-02",
            "side": side,
            "asses": asses,
            "numfind": "1",
            "desc": "MG Screening Bilateral",
            "tissueden": "2.0",
            "age_at_study": "54.5",
        }
        for exam, side, asses in ((EXAM, "L", "A"), (EXAM, "R", "N"), (PRIOR, "", "N"))
    ]
    for name, rows in (("metadata", metadata), ("clinical", clinical)):
        (folder / f"{name}.csv").write_text(_csv(rows))
    body = {
        **{table: f"file://{folder}/{table}.csv" for table in ("clinical", "metadata")},
        "image_root": f"s3://{bucket}/images",
        "restricted": False,
    }
    admin = lab.gateway.signed_in("admin")
    path = f"/api/v1/datasets/{DATASET}/revisions"
    state = admin.post(path, json=body).json()
    until = time.monotonic() + 60
    while state["state"] in ("queued", "running") and time.monotonic() < until:
        time.sleep(0.05)
        state = admin.get(f"{path}/{state['revision_id']}").json()
    assert state["state"] == "succeeded", state
    for item in _images(admin):
        lab.image_ids[item["sop_instance_uid"]] = item["image_id"]


def _images(client: httpx.Client) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get("/api/v1/images").json()["items"]
    return items


def _csv(rows: list[dict[str, str]]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()
