"""Results of searches: instances of the catalog as studies, series and instances. Pure.

Every result is told by the catalog: its identifiers, and its row of EMBED's metadata table.
"""

from collections.abc import Callable, Iterable, Sequence

from imagery.dicomweb.directory import Instance
from imagery.dicomweb.disclosed import DISCLOSED
from imagery.dicomweb.document import Document, attribute, document_of_cells
from imagery.dicomweb.query import Level, Query, shown_keywords

STUDY = ("StudyTime", "StudyDescription", "PatientSex", "PatientAge")
SERIES = (
    *("Modality", "SeriesNumber", "SeriesDescription", "SeriesTime", "ProtocolName"),
    *("BodyPartExamined", "Manufacturer", "ManufacturerModelName"),
)
INSTANCE = (
    *("InstanceNumber", "Rows", "Columns", "BitsAllocated", "ImageType", "ImageLaterality"),
    *("ViewPosition", "PatientOrientation", "ViewCodeSequence", "PresentationIntentType"),
)
MAMMOGRAM = {
    "FOR PRESENTATION": "1.2.840.10008.5.1.4.1.1.1.2",
    "FOR PROCESSING": "1.2.840.10008.5.1.4.1.1.1.2.1",
}
_nested = {
    "ViewCodeSequence": (
        *(f"0_ViewCodeSequence_{part}" for part in ("CodeValue", "CodeMeaning")),
        "0_ViewCodeSequence_CodingSchemeDesignator",
        "0_ViewCodeSequence_0_ViewModifierCodeSequence_CodeValue",
        "0_ViewCodeSequence_0_ViewModifierCodeSequence_CodeMeaning",
        "0_ViewCodeSequence_0_ViewModifierCodeSequence_CodingSchemeDesignator",
    ),
    "AnatomicRegionSequence": (
        "0_AnatomicRegionSequence_CodeValue",
        "0_AnatomicRegionSequence_CodeMeaning",
        "0_AnatomicRegionSequence_CodingSchemeDesignator",
    ),
}
_laterality, _date = "ImageLateralityFinal", "study_date_anon"


def needed_columns(query: Query) -> list[str]:
    """Columns of the metadata table that the results are made of."""
    keywords = shown_keywords((*STUDY, *SERIES, *INSTANCE), query.include) & DISCLOSED
    columns = {_laterality, _date}
    for keyword in keywords:
        columns.update(_nested.get(keyword, (keyword,)))
    return sorted(columns)


def results(query: Query, instances: Iterable[Instance], base: str) -> list[Document]:
    """One document each study, series or instance, in the order in which they come."""
    key, describe = _levels[query.level]
    groups: dict[tuple[str, ...], list[Instance]] = {}
    for instance in instances:
        groups.setdefault(key(instance), []).append(instance)
    return [_sorted(describe(group, query.include, base)) for group in groups.values()]


def _sorted(document: Document) -> Document:
    return dict(sorted(document.items()))


def study_document(instances: Sequence[Instance], include: set[str], base: str) -> Document:
    """A study (PS3.18 Table 10.6.3-3); what is required and not known is there and empty."""
    first = instances[0]
    modalities = sorted({one.columns["Modality"] for one in instances if "Modality" in one.columns})
    series = {one.series_instance_uid for one in instances}
    return {
        **attribute("StudyTime"),
        **attribute("PatientSex"),
        **document_of_cells(first.columns, shown_keywords(STUDY, include) - _below_study),
        **attribute("SpecificCharacterSet", "ISO_IR 192"),
        **attribute("StudyDate", *_study_date(first)),
        **attribute("InstanceAvailability", "ONLINE"),
        **attribute("ModalitiesInStudy", *modalities),
        **attribute("ReferringPhysicianName"),
        **attribute("PatientBirthDate"),
        **attribute("StudyID"),
        **attribute("NumberOfStudyRelatedSeries", len(series)),
        **attribute("NumberOfStudyRelatedInstances", len(instances)),
        **attribute("RetrieveURL", study_url(base, first)),
        **identifiers(first, "study"),
    }


def series_document(instances: Sequence[Instance], include: set[str], base: str) -> Document:
    """A series (PS3.18 Table 10.6.3-4)."""
    first = instances[0]
    return {
        **attribute("SeriesNumber"),
        **document_of_cells(first.columns, shown_keywords(SERIES, include) - _below_series),
        **attribute("SpecificCharacterSet", "ISO_IR 192"),
        **attribute("SeriesDate", *_study_date(first)),
        **attribute("InstanceAvailability", "ONLINE"),
        **attribute("NumberOfSeriesRelatedInstances", len(instances)),
        **attribute("RetrieveURL", series_url(base, first)),
        **identifiers(first, "series"),
    }


def instance_document(instances: Sequence[Instance], include: set[str], base: str) -> Document:
    """An instance (PS3.18 Table 10.6.3-5).

    The SOP class is told where the table says what the image is for; it has no such column.
    """
    first = instances[0]
    sop_class = MAMMOGRAM.get(first.columns.get("PresentationIntentType", ""))
    keywords = shown_keywords((*INSTANCE, "Modality"), include)
    return {
        **attribute("InstanceNumber"),
        **document_of_cells(first.columns, keywords),
        **attribute("SpecificCharacterSet", "ISO_IR 192"),
        **attribute("SOPClassUID", *([sop_class] if sop_class else [])),
        **attribute("ImageLaterality", *_side(first)),
        **attribute("InstanceAvailability", "ONLINE"),
        **attribute("RetrieveURL", instance_url(base, first)),
        **identifiers(first, "instance"),
    }


def identifiers(instance: Instance, level: Level) -> Document:
    """Whose image it is and where it stands, as the catalog knows it."""
    found = {
        **attribute("PatientID", instance.patient_id),
        **attribute("PatientName", instance.patient_id),
        **attribute("AccessionNumber", instance.exam_id),
        **attribute("StudyInstanceUID", instance.study_instance_uid),
    }
    if level != "study":
        found |= attribute("SeriesInstanceUID", instance.series_instance_uid)
    if level == "instance":
        found |= attribute("SOPInstanceUID", instance.sop_instance_uid)
    return found


def study_url(base: str, instance: Instance) -> str:
    """Of the study."""
    return f"{base}/studies/{instance.study_instance_uid}"


def series_url(base: str, instance: Instance) -> str:
    """Of the series."""
    return f"{study_url(base, instance)}/series/{instance.series_instance_uid}"


def instance_url(base: str, instance: Instance) -> str:
    """Of the instance."""
    return f"{series_url(base, instance)}/instances/{instance.sop_instance_uid}"


def _study_date(instance: Instance) -> list[str]:
    text = instance.columns.get(_date, "")[:10].replace("-", "")
    return [text] if len(text) == 8 else []


def _side(instance: Instance) -> list[str]:
    side = instance.columns.get(_laterality)
    return [side] if side else []


_below_series = frozenset((*INSTANCE, "WindowCenter", "WindowWidth"))
_below_study = frozenset((*SERIES, *_below_series))
Describe = Callable[[Sequence[Instance], set[str], str], Document]
_levels: dict[Level, tuple[Callable[[Instance], tuple[str, ...]], Describe]] = {
    "study": (lambda one: (one.study_instance_uid,), study_document),
    "series": (lambda one: (one.study_instance_uid, one.series_instance_uid), series_document),
    "instance": (lambda one: (one.sop_instance_uid,), instance_document),
}
