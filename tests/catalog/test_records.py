"""Streams cut into whole records."""

import csv
import io
from collections.abc import AsyncIterator

import polars as pl
import pytest
from catalog.ingest.encode import TableEncoder
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
    blocks = [splitter.feed([data[i : i + step]]) for i in range(0, len(data), step)]
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
    splitter.feed([b'1,"two\n'])
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
        (b'1,"2"\n3,"4"5\n', 11, "expected after"),
        (b'"1\n",2\n5" plate 6" x,8\n', 12, "quote"),
    ],
)
def test_faults_are_found_by_line(block: bytes, line: int, reason: str) -> None:
    fault = find_fault("x", block, 10, 2)
    assert fault.line == line
    assert reason in fault.reason


@settings(deadline=None)
@given(st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=12), st.booleans())
def test_codes_and_texts_are_the_cells_as_csv_has_them(
    rows: list[tuple[str, str, str]], quoted: bool
) -> None:
    out = io.StringIO()
    quoting = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    # A carriage return outside of quotes is refused by COPY, and no cell by polars.
    rows = [(a.replace("\r", ""), b.replace("\r", ""), f"{c}.") for a, b, c in rows]
    csv.writer(out, quoting=quoting, lineterminator="\n").writerows(rows)
    encoder = TableEncoder("x", ["a", "b", "c"], {"a", "b"}, {"c": pl.col("c")})
    encoder.add(out.getvalue().encode())
    columns = encoder.columns()
    for place, name in enumerate("ab"):
        column = columns[name]
        words = [column.words[code - 1] if code else "" for code in column.codes]
        assert words == [row[place] for row in rows]
    assert encoder.texts("c").to_list() == [row[2] for row in rows]


@pytest.mark.parametrize(
    "row", ['1,"2"3', '"1"2,3', '1,2"3"4', '"1""2"3,4', '1,2"3"', '5" a 7",2', 'x"",2']
)
def test_a_cell_that_goes_on_before_or_after_its_quotes_is_refused(row: str) -> None:
    """In a column that is coded and in one that is not: either table would lose a part of it."""
    for coded in ("a", "b"):
        encoder = TableEncoder("x", ["a", "b"], {coded}, {})
        encoder.add(b'"1,1","2""2"\n')
        with pytest.raises(SourceFault) as refused:
            encoder.add(f'"4\n4",\n{row}\n'.encode())
        assert refused.value.line == 5
