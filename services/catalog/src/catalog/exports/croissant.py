"""A cohort in Croissant 1.0 (https://docs.mlcommons.org/croissant/docs/croissant-spec-1.0.html).

It describes the two Parquet files, which lie beside it, by their hashes; the files that the
revision was made of by theirs; and each column. Pure.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.exports.tables import ExportColumn, Kind

CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataBiases": "cr:dataBiases",
    "dataCollection": "cr:dataCollection",
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "personalSensitiveInformation": "cr:personalSensitiveInformation",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}

DATA_TYPES: Mapping[Kind, str] = {
    "text": "sc:Text",
    "code": "sc:Text",
    "integer": "cr:Int64",
    "number": "cr:Float64",
    "date": "sc:Date",
}
SPLITS = (
    ("train", "cr:TrainingSplit"),
    ("validation", "cr:ValidationSplit"),
    ("test", "cr:TestSplit"),
)
_no_name = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class TableFile:
    """A Parquet file of the export: its record set, and what makes its bytes recognisable."""

    record_set: str
    name: str
    description: str
    sha256: str
    size: int
    listed: Sequence[ExportColumn]


def describe(
    cohort: Mapping[str, Any],
    dataset: Mapping[str, Any],
    sources: Sequence[Mapping[str, Any]],
    tables: Sequence[TableFile],
) -> dict[str, Any]:
    """The document. ``dataset``: title, licence, attribution; ``sources``: uri, sha256, bytes."""
    document: dict[str, Any] = {
        "@context": dict(CONTEXT),
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        # A name that is usable as one everywhere; the person's own stands in the description.
        "name": _no_name.sub("-", cohort["name"]).strip("-") or "cohort",
        "description": (
            f"Cohort {cohort['name']!r} of {dataset['title']}: images with labels and splits, and "
            f"the findings that apply to them. Frozen, sha256 {cohort['sha256']}."
        ),
        "identifier": f"sha256:{cohort['sha256']}",
        "version": "1.0.0",
        "datePublished": cohort["created_at"].isoformat(),
        "creator": {"@type": "sc:Organization", "name": dataset["title"]},
        "url": f"urn:uuid:{cohort['cohort_id']}",
        "citeAs": _citation(cohort, dataset),
        "isLiveDataset": False,
        "distribution": [*map(_file, tables), *map(_source, sources)],
        "recordSet": [_splits(), *map(_record_set, tables)],
    }
    if dataset["licence"]:
        document["license"] = dataset["licence"]
    return document


def _citation(cohort: Mapping[str, Any], dataset: Mapping[str, Any]) -> str:
    credit = dataset["attribution"] or dataset["title"]
    return f"{credit} Cohort {cohort['name']}, sha256 {cohort['sha256']}."


def _file(table: TableFile) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": table.name,
        "name": table.name,
        "description": table.description,
        "contentUrl": table.name,
        "contentSize": f"{table.size} B",
        "encodingFormat": "application/x-parquet",
        "sha256": table.sha256,
    }


def _source(source: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": f"source-{source['table']}",
        "name": f"source-{source['table']}",
        "description": f"The {source['table']} table that the cohort was made from.",
        "contentUrl": source["uri"],
        "contentSize": f"{source['bytes']} B",
        "encodingFormat": "text/csv",
        "sha256": source["sha256"],
    }


def _splits() -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "description": "The splits; no patient is in two of them unless the cohort says so.",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [
            _plain_field("splits/name", "The name of the split", "sc:Text"),
            _plain_field("splits/url", "What the split is for", "sc:URL"),
        ],
        "data": [{"splits/name": name, "splits/url": url} for name, url in SPLITS],
    }


def _plain_field(identifier: str, description: str, data_type: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": identifier,
        "name": identifier,
        "description": description,
        "dataType": data_type,
    }


def _record_set(table: TableFile) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": table.record_set,
        "name": table.record_set,
        "description": table.description,
        "field": [_field(table, n, column) for n, column in enumerate(table.listed)],
    }


def _field(table: TableFile, number: int, column: ExportColumn) -> dict[str, Any]:
    # An @id holds no spaces; a name that loses something is told from its like by its number.
    safe = _no_name.sub("_", column.name)
    identifier = f"{table.record_set}/{safe}" + (f"-{number}" if safe != column.name else "")
    field = _plain_field(identifier, column.description, DATA_TYPES[column.kind])
    field["source"] = {"fileObject": {"@id": table.name}, "extract": {"column": column.name}}
    if identifier == "members/split":
        field["references"] = {"field": {"@id": "splits/name"}}
    return field
