"""What a worker does for DICOMweb: functions over an opened file, called by `decoding/tasks.py`."""

import json
from dataclasses import asdict
from typing import Any

from imagery.dicom.limits import Limits
from imagery.dicom.reader import DicomFile
from imagery.dicom.stored import Attempt
from imagery.dicomweb.document import disclosed_document
from imagery.dicomweb.encoding import encoding_of, frame_bytes, instance_bytes


def metadata_of(file: DicomFile, limits: Limits) -> bytes:
    """The disclosed attributes in the DICOM JSON model, and how the pixels are kept, as JSON."""
    document = {
        "attributes": disclosed_document(file.dataset, limits),
        "encoding": asdict(encoding_of(file, limits)),
    }
    return json.dumps(document, allow_nan=False).encode()


def part_of(file: DicomFile, asked: dict[str, Any], limits: Limits, attempt: Attempt) -> bytes:
    """``{"frame": n, "syntax": uid | null}`` of the file, or without a frame the whole instance."""
    syntax = asked["syntax"]
    if asked.get("frame") is None:
        return instance_bytes(file, syntax, limits, attempt)
    return frame_bytes(file, asked["frame"], syntax, limits, attempt)
