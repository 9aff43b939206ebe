"""DICOMweb through the gateway: `dicomweb-client`, and the wire where that is lenient."""

import io
import json
import re
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from typing import Any

import httpx
import numpy as np
import pydicom
import pytest
import requests
from conftest import PublicLab
from dicom_files import EXPLICIT, JPEG_2000_LOSSLESS, JPEG_LOSSLESS_SV1, JPEG_LS, breast
from dicomweb_client import DICOMwebClient
from PIL import Image
from public_lab import EXAM, PATIENT, PRIOR, PRIOR_STUDY, SECRETS, STUDY, VIEWS, View

FOUR = VIEWS[:4]
LEFT_CC, RIGHT_CC, LEFT_MLO, RIGHT_MLO = FOUR
OCTETS = "application/octet-stream"


@pytest.fixture(scope="module")
def http(public_lab: PublicLab) -> httpx.Client:
    client = public_lab.gateway.with_token("researcher")
    client.base_url = httpx.URL(f"{public_lab.url}/dicomweb")
    return client


@pytest.fixture(scope="module")
def client(public_lab: PublicLab, http: httpx.Client) -> Iterator[DICOMwebClient]:
    with requests.Session() as session:
        session.headers["Authorization"] = http.headers["authorization"]
        session.trust_env = False
        yield DICOMwebClient(f"{public_lab.url}/dicomweb", session=session)


def path(view: View) -> str:
    return f"/studies/{view.study}/series/{view.series}/instances/{view.instance}"


def uids(view: View) -> tuple[str, str, str]:
    return view.study, view.series, view.instance


def value(document: dict[str, Any], keyword: str) -> Any:
    tag = f"{int(pydicom.datadict.tag_for_keyword(keyword) or 0):08X}"
    values = document[tag].get("Value", [])
    return values[0] if len(values) == 1 else values


def parts(answer: httpx.Response) -> list[tuple[Message, bytes]]:
    """The parts of a multipart answer, cut by its boundary alone (RFC 2046 5.1.1)."""
    assert answer.status_code == 200, answer.text
    kind = answer.headers["content-type"]
    boundary = re.fullmatch(r'multipart/related; type="[^"]+"; boundary=([0-9a-f]{32})', kind)
    assert boundary, kind
    body = b"\r\n" + answer.content
    head, *pieces, tail = body.split(b"\r\n--" + boundary[1].encode())
    assert (head, tail) == (b"", b"--\r\n")
    found = []
    for piece in pieces:
        assert piece.startswith(b"\r\n")
        header, _, content = piece[2:].partition(b"\r\n\r\n")
        found.append((BytesParser().parsebytes(header + b"\r\n\r\n"), content))
    return found


# Searches


def test_studies_are_found_with_what_viewers_need(client: DICOMwebClient) -> None:
    found = {value(one, "StudyInstanceUID"): one for one in client.search_for_studies()}
    assert set(found) == {STUDY, PRIOR_STUDY}
    study = found[STUDY]
    assert value(study, "PatientID") == PATIENT
    assert value(study, "PatientName") == {"Alphabetic": PATIENT}
    assert value(study, "AccessionNumber") == EXAM
    assert value(study, "StudyDate") == "20150302"
    assert value(study, "StudyTime") == "093015"
    assert value(study, "ModalitiesInStudy") == "MG"
    assert value(study, "NumberOfStudyRelatedSeries") == 4
    assert value(study, "NumberOfStudyRelatedInstances") == 4
    assert value(study, "StudyDescription") == "MG Screening Bilateral"
    assert value(study, "RetrieveURL").endswith(f"/dicomweb/studies/{STUDY}")
    assert list(study) == sorted(study)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"PatientID": PATIENT}, {STUDY, PRIOR_STUDY}),
        ({"PatientName": "*0000*"}, {STUDY, PRIOR_STUDY}),
        ({"PatientID": "7*"}, set()),
        ({"AccessionNumber": PRIOR}, {PRIOR_STUDY}),
        ({"StudyInstanceUID": STUDY}, {STUDY}),
        ({"StudyInstanceUID": f"{STUDY},{PRIOR_STUDY},1.2.3"}, {STUDY, PRIOR_STUDY}),
        ({"StudyDate": "20150301-20150302"}, {STUDY, PRIOR_STUDY}),
        ({"StudyDate": "20150303-"}, set()),
        ({"00080020": "-20150301"}, set()),
        ({"StudyDescription": "*screening*"}, {STUDY, PRIOR_STUDY}),
        ({"ModalitiesInStudy": "US"}, set()),
        ({"PatientID": ""}, {STUDY, PRIOR_STUDY}),
    ],
)
def test_studies_are_matched(
    client: DICOMwebClient, filters: dict[str, str], expected: set[str]
) -> None:
    found = client.search_for_studies(search_filters=filters)
    assert {value(one, "StudyInstanceUID") for one in found} == expected


def test_series_and_instances_are_found(client: DICOMwebClient) -> None:
    series = client.search_for_series(STUDY)
    assert {value(one, "SeriesInstanceUID") for one in series} == {v.series for v in FOUR}
    assert {value(one, "Modality") for one in series} == {"MG"}
    everywhere = client.search_for_series(search_filters={"PatientID": PATIENT})
    assert {value(one, "SeriesInstanceUID") for one in everywhere} == {v.series for v in VIEWS}
    instances = {value(i, "SOPInstanceUID"): i for i in client.search_for_instances(STUDY)}
    assert set(instances) == {v.instance for v in FOUR}
    right = instances[RIGHT_MLO.instance]
    assert value(right, "SOPClassUID") == "1.2.840.10008.5.1.4.1.1.1.2"
    assert (value(right, "Rows"), value(right, "Columns")) == (512, 416)
    assert (value(right, "ImageLaterality"), value(right, "ViewPosition")) == ("R", "MLO")
    assert value(right, "PatientOrientation") == ["A", "F"]
    assert value(value(right, "ViewCodeSequence"), "CodeValue") == "399368009"
    (one,) = client.search_for_instances(STUDY, LEFT_CC.series)
    assert value(one, "SOPInstanceUID") == LEFT_CC.instance
    (named,) = client.search_for_instances(search_filters={"SOPInstanceUID": LEFT_MLO.instance})
    assert value(named, "SeriesInstanceUID") == LEFT_MLO.series
    left = client.search_for_instances(search_filters={"ImageLaterality": "L"})
    assert {value(i, "SOPInstanceUID") for i in left} == {
        v.instance for v in VIEWS if v.side == "L"
    }


def test_pages_cover_everything_once(client: DICOMwebClient, http: httpx.Client) -> None:
    for resource, tag, expected in (
        ("studies", "0020000D", {STUDY, PRIOR_STUDY}),
        ("series", "0020000E", {v.series for v in VIEWS}),
        ("instances", "00080018", {v.instance for v in VIEWS}),
        (f"studies/{STUDY}/series", "0020000E", {v.series for v in FOUR}),
    ):
        seen: list[str] = []
        while True:
            answer = http.get(f"/{resource}?limit=1&offset={len(seen)}")
            if answer.status_code == 204:
                break
            (one,) = answer.json()
            seen += one[tag]["Value"]
            more = "additional results" in answer.headers.get("warning", "")
            assert more == (len(seen) < len(expected))
        assert (len(seen), set(seen)) == (len(expected), expected)
    assert len(client.search_for_instances(STUDY, get_remaining=True, limit=3)) == 4


def test_what_a_search_cannot_do_is_said(http: httpx.Client) -> None:
    fuzzy = http.get("/studies?fuzzymatching=true&PatientName=x")
    assert "fuzzymatching" in fuzzy.headers["warning"]
    ignored = http.get("/studies?OperatorsName=x")
    assert "OperatorsName is not supported" in ignored.headers["warning"]
    for query, name in (
        ("StudyDate=2015", "StudyDate"),
        ("StudyDate=20151301", "StudyDate"),
        ("limit=-1", "limit"),
        ("offset=x", "offset"),
        ("Nonsense=1", "Nonsense"),
        ("includefield=nothing", "nothing"),
        ("fuzzymatching=perhaps", "fuzzymatching"),
    ):
        answer = http.get(f"/studies?{query}")
        assert answer.status_code == 400, query
        assert answer.json()["errors"][0]["field"] == name
    assert http.get(f"/series?SeriesInstanceUID={LEFT_CC.series}").status_code == 400
    assert http.get("/studies", headers={"accept": "application/dicom+xml"}).status_code == 406
    assert http.get("/studies?dataset=nowhere").status_code == 404


def test_includefield_adds_what_the_table_has(http: httpx.Client) -> None:
    plain = http.get(f"/studies/{STUDY}/instances").json()[0]
    assert "00181164" not in plain
    wide = http.get(f"/studies/{STUDY}/instances?includefield=all").json()[0]
    assert value(wide, "SeriesDescription") in {f"{v.side} {v.view}" for v in FOUR}
    asked = http.get(f"/studies/{STUDY}/instances?includefield=SeriesDescription").json()[0]
    assert "0008103E" in asked


# Metadata


def test_metadata_is_ours_and_tells_no_secret(client: DICOMwebClient, http: httpx.Client) -> None:
    documents = client.retrieve_study_metadata(STUDY)
    assert {value(one, "SOPInstanceUID") for one in documents} == {v.instance for v in FOUR}
    for one in documents:
        assert (value(one, "PatientID"), value(one, "AccessionNumber")) == (PATIENT, EXAM)
        assert not any(secret in json.dumps(one) for secret in SECRETS)
    (one,) = client.retrieve_series_metadata(STUDY, RIGHT_MLO.series)
    assert one == client.retrieve_instance_metadata(*uids(RIGHT_MLO))
    dataset = pydicom.Dataset.from_json(one, bulk_data_uri_handler=lambda *_: b"")
    assert (dataset.Rows, dataset.Columns, dataset.WindowCenter) == (512, 416, 2047)
    assert dataset.ViewCodeSequence[0].CodeMeaning == "medio-lateral oblique"
    assert dataset.PatientOrientation == ["P", "FL"]
    again = http.get(f"{path(RIGHT_MLO)}/metadata")
    assert again.headers["content-type"] == "application/dicom+json"
    assert http.get(again.json()[0]["7FE00010"]["BulkDataURI"]).status_code == 200


def test_unknown_resources_are_404(http: httpx.Client) -> None:
    for wrong in (
        "/studies/1.2.3/metadata",
        f"/studies/{STUDY}/series/1.2.3/metadata",
        f"/studies/{STUDY}/series/{LEFT_CC.series}/instances/1.2.3/metadata",
        f"/studies/{PRIOR_STUDY}/series/{LEFT_CC.series}/metadata",
        f"{path(LEFT_MLO)}/frames/2",
        "/studies/not-a-uid/metadata",
    ):
        assert http.get(wrong).status_code == 404, wrong
    assert http.get(f"{path(LEFT_MLO)}/frames/0").status_code == 400
    gone = http.get(f"/studies/{PRIOR_STUDY}/series/{VIEWS[5].series}/metadata")
    assert (gone.status_code, gone.json()["type"]) == (502, "urn:embedlab:source-missing")


# Instances


def test_originals_leave_byte_for_byte(public_lab: PublicLab, http: httpx.Client) -> None:
    accept = 'multipart/related; type="application/dicom"; transfer-syntax=*'
    for view in FOUR:
        ((head, content),) = parts(http.get(path(view), headers={"accept": accept}))
        assert content == public_lab.files[view.instance]
        assert head["content-type"] == f"application/dicom; transfer-syntax={view.syntax}"
        assert head["content-location"].endswith(path(view))
    plain = http.get(path(RIGHT_CC), headers={"accept": "application/dicom"})
    assert plain.headers["content-type"] == f"application/dicom; transfer-syntax={EXPLICIT}"
    assert plain.content == public_lab.files[RIGHT_CC.instance]
    study = parts(http.get(f"/studies/{STUDY}", headers={"accept": accept}))
    assert {content for _, content in study} == {public_lab.files[v.instance] for v in FOUR}


@pytest.mark.parametrize("syntax", [EXPLICIT, JPEG_LOSSLESS_SV1, JPEG_LS, JPEG_2000_LOSSLESS])
@pytest.mark.parametrize("view", [RIGHT_CC, RIGHT_MLO], ids=["native", "compressed"])
def test_instances_are_encoded_as_asked(http: httpx.Client, view: View, syntax: str) -> None:
    accept = f'multipart/related; type="application/dicom"; transfer-syntax={syntax}'
    ((_, content),) = parts(http.get(path(view), headers={"accept": accept}))
    dataset = pydicom.dcmread(io.BytesIO(content))
    assert dataset.file_meta.TransferSyntaxUID == syntax
    assert dataset.SOPInstanceUID == view.instance
    expected = breast(view.rows, view.columns, right=True, seed=view.number)
    assert (dataset.pixel_array == expected).all()


@pytest.mark.parametrize("accept", ['multipart/related; type="application/dicom"', "*/*"])
def test_without_a_transfer_syntax_explicit_little_endian_is_meant(
    http: httpx.Client, accept: str
) -> None:
    ((head, content),) = parts(http.get(path(RIGHT_MLO), headers={"accept": accept}))
    assert head["content-type"] == f"application/dicom; transfer-syntax={EXPLICIT}"
    dataset = pydicom.dcmread(io.BytesIO(content))
    assert dataset.file_meta.TransferSyntaxUID == EXPLICIT
    assert (dataset.pixel_array == breast(512, 416, right=True, seed=4)).all()


def test_the_client_gets_instances_as_they_are_kept(client: DICOMwebClient) -> None:
    dataset = client.retrieve_instance(*uids(RIGHT_MLO))
    assert dataset.file_meta.TransferSyntaxUID == JPEG_2000_LOSSLESS
    assert (dataset.pixel_array == breast(512, 416, right=True, seed=4)).all()
    everything = client.retrieve_study(STUDY)
    assert {one.SOPInstanceUID for one in everything} == {v.instance for v in FOUR}


def test_originals_are_for_those_who_may_have_them(public_lab: PublicLab) -> None:
    reader = public_lab.gateway.signed_in("reader")
    narrow = public_lab.gateway.with_token("researcher", scopes=["read"])
    nobody = public_lab.gateway.anonymous()
    for resource in (path(LEFT_MLO), f"/studies/{STUDY}", f"/studies/{STUDY}/series/1.2"):
        assert reader.get(f"/dicomweb{resource}").status_code == 403
        assert narrow.get(f"/dicomweb{resource}").status_code == 403
    for resource in ("/metadata", "/rendered", "/frames/1", "/thumbnail"):
        assert reader.get(f"/dicomweb{path(LEFT_MLO)}{resource}").status_code == 200
        assert narrow.get(f"/dicomweb{path(LEFT_MLO)}{resource}").status_code == 200
        assert nobody.get(f"/dicomweb{path(LEFT_MLO)}{resource}").status_code == 401


# Frames


def test_frames_decoded_by_the_client(client: DICOMwebClient) -> None:
    for view in FOUR:
        (frame,) = client.retrieve_instance_frames(*uids(view), frame_numbers=[1])
        expected = breast(view.rows, view.columns, right=view.side == "R", seed=view.number)
        assert (np.frombuffer(frame, "<u2").reshape(expected.shape) == expected).all()


def test_frames_as_they_are_kept(public_lab: PublicLab, http: httpx.Client) -> None:
    for view, media in ((LEFT_CC, "image/jpeg"), (LEFT_MLO, "image/jls"), (RIGHT_MLO, "image/jp2")):
        dataset = pydicom.dcmread(io.BytesIO(public_lab.files[view.instance]))
        kept = pydicom.encaps.get_frame(dataset.PixelData, 0, number_of_frames=1)
        for asked, told in (("*/*", media), (media, media), (OCTETS, OCTETS)):
            accept = f'multipart/related; type="{asked}"; transfer-syntax=*'
            ((head, frame),) = parts(http.get(f"{path(view)}/frames/1", headers={"accept": accept}))
            assert frame.rstrip(b"\0") == kept.rstrip(b"\0")
            assert head["content-type"] == f"{told}; transfer-syntax={view.syntax}"


def test_frames_encoded_anew(http: httpx.Client) -> None:
    import imagecodecs

    accept = f'multipart/related; type="image/jls"; transfer-syntax={JPEG_LS}'
    ((head, frame),) = parts(http.get(f"{path(RIGHT_CC)}/frames/1", headers={"accept": accept}))
    assert head["content-type"] == f"image/jls; transfer-syntax={JPEG_LS}"
    assert (imagecodecs.jpegls_decode(frame) == breast(512, 416, right=True, seed=2)).all()
    single = http.get(f"{path(RIGHT_CC)}/frames/1", headers={"accept": OCTETS})
    assert single.headers["content-type"] == f"{OCTETS}; transfer-syntax={EXPLICIT}"
    refused = http.get(f"{path(RIGHT_CC)}/frames/1", headers={"accept": "image/jxl"})
    assert refused.status_code == 406
    assert "image/jls" in refused.json()["detail"]


# Pictures


def test_rendered_and_thumbnails(client: DICOMwebClient, http: httpx.Client) -> None:
    shown = client.retrieve_instance_rendered(*uids(RIGHT_CC), media_types=("image/png",))
    with Image.open(io.BytesIO(shown)) as picture:
        expected = np.rint(breast(512, 416, right=True, seed=2) / 4095 * 255)
        assert np.abs(np.asarray(picture).astype(float) - expected).max() <= 1
    assert http.get(f"{path(RIGHT_CC)}/rendered").headers["content-type"] == "image/jpeg"
    frame = client.retrieve_instance_frames_rendered(
        *uids(RIGHT_CC), [1], media_types=("image/png",)
    )
    assert frame == shown
    part = http.get(f"{path(RIGHT_CC)}/rendered?viewport=100,100,208,256,208,256")
    with Image.open(io.BytesIO(part.content)) as picture:
        assert picture.size == (81, 100)
    narrow = http.get(f"{path(RIGHT_CC)}/rendered?window=1000,500,linear&viewport=64,64")
    assert narrow.status_code == 200
    for resource in (
        f"/studies/{STUDY}",
        f"/studies/{STUDY}/series/{LEFT_CC.series}",
        path(LEFT_CC),
    ):
        small = http.get(f"{resource}/thumbnail")
        with Image.open(io.BytesIO(small.content)) as picture:
            assert max(picture.size) == 128
    several = parts(http.get(f"/studies/{STUDY}/rendered?viewport=64,64"))
    assert [head["content-type"] for head, _ in several] == ["image/jpeg"] * 4
    assert http.get(f"{path(RIGHT_CC)}/rendered?viewport=1,2,3").status_code == 422
    moving = http.get(f"{path(RIGHT_CC)}/rendered", headers={"accept": "video/mp4"})
    assert moving.status_code == 406
    assert "image/jpeg, image/png, image/gif" in moving.json()["detail"]
    still = http.get(f"{path(RIGHT_CC)}/rendered", headers={"accept": "image/gif"})
    assert still.headers["content-type"] == "image/gif"
    whole = http.get(f"{path(RIGHT_CC)}/rendered", headers={"accept": "image/png"})
    with Image.open(io.BytesIO(still.content)) as one, Image.open(io.BytesIO(whole.content)) as two:
        assert np.array_equal(np.asarray(one.convert("L")), np.asarray(two))
    assert http.get(f"{path(RIGHT_CC)}/frames/x/rendered").status_code == 422


# Other origins


def test_pages_elsewhere_may_read_with_a_token(public_lab: PublicLab, http: httpx.Client) -> None:
    nobody = public_lab.gateway.anonymous()
    asked = {
        "origin": "https://viewer.example",
        "access-control-request-method": "GET",
        "access-control-request-headers": "authorization",
    }
    allowed = nobody.options(f"/dicomweb/studies/{STUDY}/metadata", headers=asked)
    assert allowed.status_code == 204
    assert allowed.headers["access-control-allow-origin"] == "*"
    assert "authorization" in allowed.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-credentials" not in allowed.headers
    assert http.get("/studies").headers["access-control-allow-origin"] == "*"
    refused = nobody.get("/dicomweb/studies")
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, "*")
    closed = nobody.options("/api/v1/images", headers=asked)
    assert (closed.status_code, closed.headers.get("access-control-allow-origin")) == (401, None)
