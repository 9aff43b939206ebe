"""A file's elements as JSON for people: tag, keyword, name, VR and value, sequences nested."""

import json
from collections.abc import Iterator
from typing import Any

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from imagery.dicom.errors import UnreadableImageError
from imagery.dicom.limits import Limits
from imagery.dicom.reader import DicomFile
from imagery.dicom.syntaxes import SYNTAXES

LONGEST_TEXT = 4096


def elements_document(file: DicomFile, limits: Limits) -> bytes:
    """``{"transfer_syntax": {uid, name}, "elements": [...]}``; binary values only by length."""
    syntax = file.transfer_syntax_uid
    budget = iter(range(limits.elements))
    document = {
        "transfer_syntax": {"uid": syntax, "name": SYNTAXES.get(syntax, ("unknown",))[0]},
        "elements": list(_elements(file.dataset, limits.nesting, budget)),
    }
    return json.dumps(document).encode()


def _elements(dataset: Dataset, depth: int, budget: Iterator[int]) -> Iterator[dict[str, Any]]:
    if depth == 0:
        raise UnreadableImageError("sequences are nested too deeply")
    for tag in sorted(dataset.keys()):
        if next(budget, None) is None:
            raise UnreadableImageError("there are too many elements")
        try:
            element = dataset[tag]
        except Exception as error:  # noqa: BLE001 - one malformed value must not hide the others
            yield {"tag": f"{int(tag):08X}", "error": f"malformed ({type(error).__name__})"}
            continue
        yield _described(element, depth, budget)


def _described(element: DataElement, depth: int, budget: Iterator[int]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "tag": f"{int(element.tag):08X}",
        "keyword": element.keyword or None,
        "name": element.name,
        "vr": element.VR,
    }
    value = element.value
    if element.VR == "SQ":
        described["items"] = [list(_elements(item, depth - 1, budget)) for item in value]
    elif isinstance(value, bytes):
        described["bytes"] = len(value)
    else:
        described["value"] = _value(value)
    return described


def _value(value: Any) -> Any:
    if value is None or isinstance(value, int) or value == "":
        return value if value != "" else None
    if isinstance(value, MultiValue | list | tuple):
        return [_value(one) for one in value[:LONGEST_TEXT]]
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    return str(value)[:LONGEST_TEXT]
