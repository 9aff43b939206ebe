"""Data sets in the DICOM JSON model (PS3.18 Annex F), from files and from cells of tables."""

import ast
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from imagery.dicom.errors import UnreadableImageError
from imagery.dicom.limits import Limits
from imagery.dicomweb.disclosed import DISCLOSED, DISCLOSED_TAGS

Attribute = dict[str, Any]
Document = dict[str, Attribute]

MOST_INLINE = 256 * 1024
_integers = frozenset(("US", "SS", "UL", "SL", "IS"))
_floats = frozenset(("DS", "FL", "FD"))
_nested = re.compile(r"\d+_")


def tag_of(keyword: str) -> str:
    """Eight hexadecimal digits; ValueError where the dictionary has no such attribute."""
    tag = tag_for_keyword(keyword)
    if not keyword or tag is None:
        raise ValueError(f"there is no attribute {keyword!r}")
    return f"{int(tag):08X}"


def attribute(keyword: str, *values: Any) -> Document:
    """One attribute with its values; without any it is present and empty."""
    vr = dictionary_VR(keyword)[:2]
    if vr == "PN":
        values = tuple({"Alphabetic": value} for value in values)
    return {tag_of(keyword): {"vr": vr, **({"Value": list(values)} if values else {})}}


def disclosed_document(dataset: Dataset, limits: Limits) -> Document:
    """The attributes of ``dataset`` that are shown; a malformed one is left out."""
    return _document(dataset, limits.nesting, iter(range(limits.elements)))


def _document(dataset: Dataset, depth: int, budget: Iterator[int]) -> Document:
    if depth == 0:
        raise UnreadableImageError("sequences are nested too deeply")
    found: Document = {}
    for tag in sorted(dataset.keys()):
        if next(budget, None) is None:
            raise UnreadableImageError("there are too many elements")
        if int(tag) not in DISCLOSED_TAGS:
            continue
        try:
            element = dataset[tag]
            found[f"{int(tag):08X}"] = _of_element(element, depth, budget)
        except (ValueError, TypeError, AttributeError, OverflowError, NotImplementedError):
            continue
    return found


def _of_element(element: DataElement, depth: int, budget: Iterator[int]) -> Attribute:
    vr, value = element.VR[:2], element.value
    if vr == "SQ":
        return {"vr": vr, "Value": [_document(item, depth - 1, budget) for item in value]}
    if isinstance(value, bytes):
        if len(value) > MOST_INLINE:
            raise ValueError("too long to stand in a document")
        return {"vr": vr, "InlineBinary": b64encode(value).decode()}
    if value is None or value == "":
        return {"vr": vr}
    values = [value] if isinstance(value, str) or not hasattr(value, "__iter__") else list(value)
    return {"vr": vr, "Value": [_plain(vr, one) for one in islice(values, MOST_INLINE // 4)]}


def _plain(vr: str, value: Any) -> Any:
    if value is None or value == "":
        return None
    if vr in _integers:
        return int(value)
    if vr in _floats:
        number = float(value)
        if number != number or abs(number) == float("inf"):
            raise ValueError("not finite")
        return number
    if vr == "AT":
        return f"{int(value):08X}"
    return {"Alphabetic": str(value)} if vr == "PN" else str(value)


def document_of_cells(cells: Mapping[str, str], keywords: Iterable[str]) -> Document:
    """The attributes ``keywords`` of a row of EMBED's metadata table.

    A cell of a sequence is called `0_ViewCodeSequence_CodeMeaning`; what cannot be read as its
    value representation is left out.
    """
    wanted = DISCLOSED.intersection(keywords)
    found: Document = {}
    for name, text in cells.items():
        path = _path(name)
        if path and path[0] in wanted:
            _put(found, path, text)
    return found


def _path(name: str) -> list[str]:
    """`0_ViewCodeSequence_CodeMeaning` as its keywords, outermost first."""
    path = []
    while _nested.match(name):
        keyword, _, name = name.partition("_")[2].partition("_")
        path.append(keyword)
    return (
        [*path, name] if all(tag_for_keyword(k) and k in DISCLOSED for k in (*path, name)) else []
    )


def _put(document: Document, path: list[str], text: str) -> None:
    keyword, *rest = path
    vr = dictionary_VR(keyword)[:2]
    if rest:
        sequence = document.setdefault(tag_of(keyword), {"vr": "SQ", "Value": [{}]})
        _put(sequence["Value"][0], rest, text)
        return
    if vr == "SQ":
        return
    try:
        values = [_of_text(vr, value) for value in _texts(text)]
    except (ValueError, OverflowError):
        return
    document[tag_of(keyword)] = {"vr": vr, "Value": values}


def _texts(text: str) -> list[str]:
    """The values of a cell: `['A', 'F']`, `[0.07, 0.07]` or one value."""
    if not text.startswith("["):
        return [text]
    try:
        return [str(value) for value in ast.literal_eval(text)]
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError("not a list") from error


def _of_text(vr: str, text: str) -> Any:
    if vr in _integers:
        return int(float(text))
    if vr == "TM":
        return f"{int(float(text)):06d}"
    if vr == "DA":
        return text[:10].replace("-", "")
    return _plain(vr, text)
