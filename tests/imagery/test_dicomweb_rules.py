"""The pure rules of DICOMweb: what is accepted, queried, shown and framed."""

import json
from collections.abc import AsyncIterator

import pydicom
import pytest
from chassis.problems import Problem
from imagery.dicom.errors import UnreadableImageError
from imagery.dicom.limits import Limits
from imagery.dicomweb.accept import DICOM, EXPLICIT, OCTETS, Offer, choose, media_ranges
from imagery.dicomweb.disclosed import DISCLOSED
from imagery.dicomweb.document import disclosed_document, document_of_cells
from imagery.dicomweb.multipart import Framing, Part, whole
from imagery.dicomweb.query import parse_query
from pydicom.datadict import tag_for_keyword

JPEG, JLS, JP2 = (f"1.2.840.10008.1.2.4.{n}" for n in ("70", "80", "90"))
ORIGINAL = Offer("image/jls", JLS)
OFFERS = [Offer(OCTETS, EXPLICIT), Offer("image/jpeg", JPEG), ORIGINAL, Offer("image/jp2", JP2)]


@pytest.mark.parametrize(
    ("accept", "media", "syntax", "related"),
    [
        ("", OCTETS, EXPLICIT, True),
        ("*/*", OCTETS, EXPLICIT, True),
        ('multipart/related; type="*/*"', OCTETS, EXPLICIT, True),
        ('multipart/related; type="application/octet-stream"', OCTETS, EXPLICIT, True),
        ("multipart/related; type=application/octet-stream; transfer-syntax=*", OCTETS, JLS, True),
        ('multipart/related; type="*/*"; transfer-syntax=*', "image/jls", JLS, True),
        ('multipart/related; type="image/jls"', "image/jls", JLS, True),
        ('multipart/related; type="image/jpeg"', "image/jpeg", JPEG, True),
        (f'multipart/related; type="image/jp2"; transfer-syntax={JP2}', "image/jp2", JP2, True),
        ("application/octet-stream", OCTETS, EXPLICIT, False),
        ("image/jls", "image/jls", JLS, False),
        (
            'multipart/related; type="image/jp2"; q=0.2, multipart/related; type="image/jpeg"',
            "image/jpeg",
            JPEG,
            True,
        ),
        ('image/gif, multipart/related; type="image/jls"', "image/jls", JLS, True),
        ('MULTIPART/RELATED;TYPE="IMAGE/JLS";TRANSFER-SYNTAX=*', "image/jls", JLS, True),
    ],
)
def test_what_is_accepted_is_sent(accept: str, media: str, syntax: str, related: bool) -> None:
    found = choose(accept, ORIGINAL, OFFERS, single=True)
    assert found is not None
    assert (found.offer, found.related) == (Offer(media, syntax), related)


@pytest.mark.parametrize(
    "accept",
    [
        "image/gif",
        'multipart/related; type="image/jpeg"; transfer-syntax=1.2.840.10008.1.2.4.50',
        'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.3',
        "*/*; q=0",
        "application/octet-stream; q=nonsense",
    ],
)
def test_what_cannot_be_sent_is_not(accept: str) -> None:
    assert choose(accept, ORIGINAL, OFFERS, single=True) is None


def test_several_parts_are_never_sent_as_one() -> None:
    assert choose("application/octet-stream", ORIGINAL, OFFERS, single=False) is None


def test_what_cannot_be_decoded_goes_as_it_is_kept() -> None:
    colour = Offer(DICOM, "1.2.840.10008.1.2.4.50")
    found = choose("multipart/related; type=application/dicom", colour, [], single=False)
    assert found is not None
    assert found.offer == colour


def test_a_comma_within_quotes_separates_nothing() -> None:
    (found,) = media_ranges('multipart/related; type="image/jls, x"; q=0.5')
    assert (found.media, found.quality) == ("image/jls, x", 0.5)


async def test_framing_is_exact() -> None:
    async def parts() -> AsyncIterator[Part]:
        yield Part("a/b", whole(b"\r\n--x"), "http://here/1")
        yield Part("c/d", whole(b""))

    framing = Framing("a/b", "x1")
    body = b"".join([chunk async for chunk in framing.frame(parts())])
    assert framing.content_type == 'multipart/related; type="a/b"; boundary=x1'
    assert body == (
        b"--x1\r\nContent-Type: a/b\r\nContent-Location: http://here/1\r\n\r\n\r\n--x"
        b"\r\n--x1\r\nContent-Type: c/d\r\n\r\n\r\n--x1--\r\n"
    )


def test_keys_may_be_given_by_tag_and_uids_as_lists() -> None:
    found = parse_query(
        "instance",
        [("0020000D", "1.2,1.3\\1.4"), ("00100020", "7*"), ("includefield", "00181164,all")],
    )
    assert found.uids == {"StudyInstanceUID": frozenset({"1.2", "1.3", "1.4"})}
    assert found.match == {"patient_id": {"any_of": ["7*"]}}
    assert {"ImagerPixelSpacing", "all"} <= found.include


@pytest.mark.parametrize(
    ("date", "least", "most"),
    [
        ("20150102", "2015-01-02", "2015-01-02"),
        ("20150102-", "2015-01-02", None),
        ("-20150102", None, "2015-01-02"),
        ("20150102-20160304", "2015-01-02", "2016-03-04"),
    ],
)
def test_dates_are_days_or_ranges(date: str, least: str | None, most: str | None) -> None:
    found = parse_query("study", [("StudyDate", date)]).match["study_date_anon"]
    assert (found.get("least"), found.get("most")) == (least, most)


@pytest.mark.parametrize("date", ["-", "2015", "20151301", "20150101-2016", "x"])
def test_other_dates_are_refused(date: str) -> None:
    with pytest.raises(Problem) as refused:
        parse_query("study", [("StudyDate", date)])
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("name", "value"), [("PatientID", "x" * 301), ("PatientID", "a\0b"), ("dataset", "y" * 64)]
)
def test_what_is_no_text_is_refused(name: str, value: str) -> None:
    with pytest.raises(Problem) as refused:
        parse_query("study", [(name, value)])
    assert (refused.value.status, refused.value.errors[0].field) == (400, name)


def test_what_cannot_be_a_uid_is_nobody_s() -> None:
    found = parse_query("study", [("StudyInstanceUID", f"1.2,\0,{'3' * 65}")])
    assert found.uids == {"StudyInstanceUID": frozenset({"1.2"})}


def test_the_largest_limit_holds() -> None:
    assert parse_query("study", [("limit", "99999")]).limit == 1000


def dataset() -> pydicom.Dataset:
    found = pydicom.Dataset()
    found.Rows, found.WindowCenter = 5, [1.5, 2]
    with pydicom.config.disable_value_validation():
        found.KVP = "NaN"
    found.PatientName, found.DeviceSerialNumber, found.AccessionNumber = "Doe^Jane", "S1", "A1"
    found.add_new(0x00431001, "LO", "private")
    item = pydicom.Dataset()
    item.CodeValue, item.CodeMeaning, item.OperatorsName = "V", "meaning", "Someone"
    found.ViewCodeSequence = [item]
    return found


def test_only_what_is_listed_is_shown() -> None:
    shown = disclosed_document(dataset(), Limits())
    assert shown["00280010"] == {"vr": "US", "Value": [5]}
    assert shown["00281050"] == {"vr": "DS", "Value": [1.5, 2.0]}
    assert set(shown["00540220"]["Value"][0]) == {"00080100", "00080104"}
    assert set(shown) == {"00280010", "00281050", "00540220"}  # and not a KVP that is no number
    json.dumps(shown, allow_nan=False)


def test_nothing_listed_names_a_person_a_device_or_a_number_of_another_house() -> None:
    for keyword in DISCLOSED:
        assert tag_for_keyword(keyword) is not None, keyword
        assert pydicom.datadict.dictionary_VR(keyword) != "PN"
    for hidden in (
        *("DeviceSerialNumber", "DetectorID", "GantryID", "PlateID", "StationName", "DeviceUID"),
        *("AccessionNumber", "AdmissionID", "StudyID", "IssuerOfPatientID", "OtherPatientIDs"),
        *("InstitutionName", "InstitutionAddress", "RequestAttributesSequence", "PatientID"),
        *("FillerOrderNumberImagingServiceRequest", "PatientAddress", "ImageComments"),
    ):
        assert hidden not in DISCLOSED


def test_deep_and_long_data_sets_are_refused() -> None:
    outer = dataset()
    with pytest.raises(UnreadableImageError, match="nested"):
        disclosed_document(outer, Limits(nesting=1))
    with pytest.raises(UnreadableImageError, match="too many"):
        disclosed_document(outer, Limits(elements=3))


def test_cells_become_attributes_of_their_kind() -> None:
    cells = {
        "Rows": "4096.0",
        "StudyTime": "93015.0",
        "WindowCenter": "[2047, 540]",
        "PatientOrientation": "['A', 'R']",
        "KVP": "nan",
        "InstanceNumber": "three",
        "ImageType": "['ORIGINAL'",
        "0_ViewCodeSequence_CodeValue": "R-10242",
        "0_ViewCodeSequence_0_ViewModifierCodeSequence_CodeMeaning": "Spot",
        "ROI_coords": "()",
    }
    found = document_of_cells(cells, [*DISCLOSED])
    assert found["00280010"] == {"vr": "US", "Value": [4096]}
    assert found["00080030"] == {"vr": "TM", "Value": ["093015"]}
    assert found["00281050"]["Value"] == [2047.0, 540.0]
    assert found["00200020"]["Value"] == ["A", "R"]
    (view,) = found["00540220"]["Value"]
    assert view["00080100"]["Value"] == ["R-10242"]
    assert view["00540222"]["Value"] == [{"00080104": {"vr": "LO", "Value": ["Spot"]}}]
    assert len(found) == 5
