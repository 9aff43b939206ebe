"""A few hundred broken files; ``fuzz.py`` asks for as many as one likes."""

import fuzz
import pytest
from conftest import Lab, StartLab
from dicom_files import Made, breast, dicom_bytes
from fuzz import Findings, campaign

FILES = 300
MOST_BYTES = 2 << 30


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
async def test_broken_files_are_pictures_or_say_what_is_wrong(
    start_lab: StartLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab: Lab = await start_lab()
    monkeypatch.setattr(fuzz, "ID_OFFSET", 1)
    findings = Findings(lab.settings.deadline_s)
    await campaign(lab.client.get, lab.put, range(FILES), findings)
    assert findings.faults == []
    assert sum(findings.answers.values()) == FILES
    assert findings.compared > 0
    assert findings.most_bytes < MOST_BYTES
    lab.put(FILES + 5, dicom_bytes(breast(), Made()))
    assert (await lab.get(f"/{FILES + 5}/rendered")).status_code == 200
    assert (await lab.client.get("/readyz")).json()["state"] == "ready"
