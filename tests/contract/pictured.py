"""Tables with files of some images, ingested through a gateway."""

import csv
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
from catalog.paths import relative_key, sop_instance_uid

from tests.imagery.dicom_files import Made, breast, dicom_bytes

NAME = "embed-synthetic"


def ingest(client: httpx.Client, tables: Path) -> None:
    """Ingest ``tables`` with 200 files of their images."""
    picture = breast()
    pictured = tables.with_name("pictured")  # other tests' datasets have no files
    with (tables / "EMBED_OpenData_metadata.csv").open() as metadata:
        for row in islice(csv.DictReader(metadata), 200):
            file = pictured / relative_key(row["anon_dicom_path"])
            file.parent.mkdir(parents=True, exist_ok=True)
            named = Made(elements={"SOPInstanceUID": sop_instance_uid(row["anon_dicom_path"])})
            file.write_bytes(dicom_bytes(picture, named))
    sources: dict[str, Any] = {
        "clinical": f"file://{tables}/EMBED_OpenData_clinical.csv",
        "metadata": f"file://{tables}/EMBED_OpenData_metadata.csv",
        "image_root": f"file://{pictured}",
        "restricted": False,
    }
    path = f"/api/v1/datasets/{NAME}/revisions"
    made = client.post(path, json=sources)
    assert made.status_code == 202, made.text
    state = made.json()
    while state["state"] in ("queued", "running"):
        state = client.get(f"{path}/{state['revision_id']}").json()
    assert state["state"] == "succeeded", state
