"""A read model as bytes: a header of JSON, then each array compressed."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import fields as dataclass_fields
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from catalog.model.dictionary import Dictionary
from catalog.model.read_model import ReadModel

FORMAT = 1

_plain = ("revision_id", "dataset", "sha256")
_mapped = ("dictionaries", "codes")


def dump(model: ReadModel) -> list[bytes]:
    """The whole model in parts, to be joined in their order: the header, then an array each."""
    arrays = dict(_arrays(model))
    packed = [zlib.compress(array.tobytes(), 1) for array in arrays.values()]
    header = orjson.dumps(
        {
            "format": FORMAT,
            **{name: getattr(model, name) for name in _plain},
            "dictionaries": {
                name: {"values": d.values, "multi": d.multi}
                for name, d in model.dictionaries.items()
            },
            "arrays": [
                {"name": name, "dtype": array.dtype.str, "bytes": len(data)}
                for (name, array), data in zip(arrays.items(), packed, strict=True)
            ],
        }
    )
    return [struct.pack("<I", len(header)) + header, *packed]


def _arrays(model: ReadModel) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    for field in dataclass_fields(model):
        if field.name not in (*_plain, *_mapped):
            yield field.name, getattr(model, field.name)
    for name, codes in model.codes.items():
        yield f"codes/{name}", codes


def load(data: bytes) -> ReadModel:
    """The model in ``data``; ValueError where another version of this code wrote it."""
    (length,) = struct.unpack_from("<I", data)
    header = orjson.loads(data[4 : 4 + length])
    if header["format"] != FORMAT:
        raise ValueError(f"read model of format {header['format']}, {FORMAT} is expected")
    offset = 4 + length
    arrays: dict[str, npt.NDArray[Any]] = {}
    for entry in header["arrays"]:
        packed = memoryview(data)[offset : offset + entry["bytes"]]
        arrays[entry["name"]] = np.frombuffer(zlib.decompress(packed), entry["dtype"])
        offset += entry["bytes"]
    codes = {
        name.removeprefix("codes/"): array
        for name, array in arrays.items()
        if name.startswith("codes/")
    }
    others: dict[str, Any] = {
        name: array for name, array in arrays.items() if not name.startswith("codes/")
    }
    return ReadModel(
        **{name: header[name] for name in _plain},
        dictionaries={name: _dictionary(**entry) for name, entry in header["dictionaries"].items()},
        codes=codes,
        **others,
    )


def _dictionary(values: list[Any], *, multi: bool) -> Dictionary:
    return Dictionary(tuple(tuple(v) for v in values) if multi else tuple(values), multi)
