"""Streams cut into whole records."""

import csv
import io
from collections.abc import AsyncIterator

import pytest
from catalog.ingest.faults import SourceFault
from catalog.ingest.records import RecordSplitter, find_fault, parse_header, whole_records
from hypothesis import given, settings
from hypothesis import strategies as st

cells = st.text(st.sampled_from('ab,"\n\r é'), max_size=8)


@settings(deadline=None)
@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=12), st.integers(1, 20))
def test_however_the_stream_is_cut_records_stay_whole(
    rows: list[tuple[str, str]], step: int
) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    data = out.getvalue().encode()
    splitter = RecordSplitter("x")
    blocks = [splitter.feed(data[i : i + step]) for i in range(0, len(data), step)]
    blocks.append(splitter.finish())
    assert b"".join(blocks) == data
    for block in blocks:
        parsed = list(csv.reader(io.StringIO(block.decode(), newline="")))
        assert all(len(record) == 2 for record in parsed)


async def test_the_first_block_is_the_header() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for byte in b'a,"b\nc"\n1,2\n3,4':
            yield bytes([byte])

    assert [block async for block in whole_records("x", chunks())] == [b'a,"b\nc"\n', b"1,2\n3,4\n"]


def test_an_open_quote_is_refused() -> None:
    splitter = RecordSplitter("x")
    splitter.feed(b'1,"two\n')
    with pytest.raises(SourceFault, match="quote"):
        splitter.finish()


def test_headers() -> None:
    assert parse_header("x", b"\xef\xbb\xbf,a, b\n") == ["Unnamed: 0", "a", "b"]
    for wrong in (b"a,a\n", b"\xff\xfe\n", b"a,\n", b""):
        with pytest.raises(SourceFault):
            parse_header("x", wrong)


@pytest.mark.parametrize(
    ("block", "line", "reason"),
    [
        (b"1,2\n3\n", 11, "1 cells"),
        (b'1,"a\nb"\n3,4,5\n', 12, "3 cells"),
        (b"1,2\n3,\xff\n", 11, "0xff"),
        (b"1,2\n3,\x00\n", 11, "NUL"),
    ],
)
def test_faults_are_found_by_line(block: bytes, line: int, reason: str) -> None:
    fault = find_fault("x", block, 10, 2)
    assert fault.line == line
    assert reason in fault.reason
