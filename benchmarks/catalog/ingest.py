"""C1: both CSV files from S3 to queryable, at real scale, beside what PostgreSQL alone needs.

`python -m benchmarks.catalog.ingest [--images N] [--folder DIR] [--out FILE]`

The limit is measured in the same run, on the same server: COPY of both files through a client into
tables of all their columns, ANALYZE, and the finding-image pairs by SQL; before and after, so that
both meet the same machine, and each a server that has finished what the one before left it to do.
Beside the plain COPY stands one that freezes its rows, as an ingest does: it is the least that
PostgreSQL can do, and writes nothing twice.
Three rounds, each on a fresh database: the ratio is the median's. Then facet counts under random
filters are compared with pandas.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pandas as pd
from catalog.counting import count_facets
from catalog.grammar import parse_json
from catalog.model import archive
from catalog.model.read_model import ReadModel
from chassis.database import asyncpg_url
from chassis.keys import ensure_keys
from devstack.seaweedfs import S3Server

from benchmarks.catalog import real_scale

ROUNDS = 3
PLAIN, FROZEN = "copy", "frozen copy"
PAIRS = """
create table pairs as select m.n as image, c.n as finding from limit_metadata m
left join limit_clinical c on c.acc_anon = m.acc_anon
    and (c.side is null or c.side = 'B' or c.side = m."ImageLateralityFinal")
"""
COMPARED = {
    "finding": (
        "asses",
        "side",
        "massshape",
        "massmargin",
        "massdens",
        "calcdistri",
        "path_severity",
        "type",
    ),
    "exam": ("tissueden",),
    "image": ("ViewPosition", "FinalImageType", "ImageLateralityFinal", "Manufacturer"),
}
FILTERS: tuple[dict[str, list[Any]], ...] = (
    {},
    {"asses": ["S", "M"], "ViewPosition": ["CC"]},
    {"side": [None], "tissueden": [3, 4]},
    {"path_severity": [0, 1], "FinalImageType": ["2D"]},
    {"massshape": ["O", "R"], "asses": ["A"], "ImageLateralityFinal": ["L"]},
    {"asses": ["N", "B"], "Manufacturer": ["HOLOGIC, Inc."]},
    {"type": ["B"], "side": ["R", "B"]},
)


async def load_model(url: str, revision_id: int) -> ReadModel:
    """The read model that the ingest kept."""
    connection = await asyncpg.connect(asyncpg_url(url))
    rows = await connection.fetch(
        "select data from catalog.read_model where revision_id = $1 order by part", revision_id
    )
    await connection.close()
    return archive.load(b"".join(row["data"] for row in rows))


async def limit(url: str, folder: Path) -> dict[str, float]:
    """Seconds of COPY through a client (frozen and plain), ANALYZE and pairs."""
    connection = await asyncpg.connect(asyncpg_url(url))
    seconds: dict[str, float] = {}
    for kind, freeze in ((FROZEN, True), (PLAIN, False)):
        await connection.execute("drop table if exists pairs, limit_clinical, limit_metadata")
        started = time.perf_counter()
        for table, name in real_scale.NAMES.items():
            await _copy(connection, f"limit_{table}", folder / name, freeze=freeze)
        seconds[kind] = time.perf_counter() - started
    started = time.perf_counter()
    for table in real_scale.NAMES:
        await connection.execute(f"analyze limit_{table}")
    seconds["analyze"] = time.perf_counter() - started
    started = time.perf_counter()
    await connection.execute(PAIRS)
    seconds["pairs"] = time.perf_counter() - started
    await connection.close()
    return seconds


async def _copy(connection: asyncpg.Connection, table: str, path: Path, *, freeze: bool) -> None:
    """Rows may be frozen where they come with their table, and are then written once."""
    with path.open("rb") as file:
        header = file.readline().decode().strip().split(",")
        names = [(name or "index")[:63] for name in header]
        cells = ", ".join(f'"{name}" text' for name in names)
        made = f"create table {table} (n integer generated always as identity, {cells})"
        options = {"columns": names, "format": "csv", "timeout": 3600}
        if not freeze:
            await connection.execute(made)
            await connection.copy_to_table(table, source=file, **options)
            return
        async with connection.transaction():
            await connection.execute(made)
            await connection.copy_to_table(table, source=file, freeze=True, **options)


class Pandas:
    """The documented join, by pandas, on the columns that are compared."""

    def __init__(self, folder: Path) -> None:
        kept = ["acc_anon", *COMPARED["finding"], *COMPARED["exam"]]
        findings = _read(folder / real_scale.NAMES["clinical"], kept)
        images = _read(
            folder / real_scale.NAMES["metadata"], ["acc_anon", "empi_anon", *COMPARED["image"]]
        )
        images["image"] = range(len(images))
        joined = images.merge(
            findings[["acc_anon", *COMPARED["finding"]]], on="acc_anon", how="left"
        )
        applies = joined["side"].isna() | joined["side"].isin(["B"])
        applies |= joined["side"] == joined["ImageLateralityFinal"]
        matched = joined[applies]
        bare = images[~images["image"].isin(matched["image"])]
        rows = pd.concat([matched, bare])
        exams = findings.groupby("acc_anon")[list(COMPARED["exam"])].first()
        self.rows = rows.merge(exams, left_on="acc_anon", right_index=True, how="left")

    def select(self, conditions: dict[str, list[Any]]) -> pd.DataFrame:
        """Rows that satisfy all conditions."""
        rows = self.rows
        for name, values in conditions.items():
            cells = rows[name]
            wanted = cells.isin([v for v in values if v is not None])
            rows = rows[wanted | (cells.isna() if None in values else False)]
        return rows

    def totals(self, conditions: dict[str, list[Any]]) -> dict[str, int]:
        """Distinct images, exams, patients."""
        rows = self.select(conditions)
        keys = {"images": "image", "exams": "acc_anon", "patients": "empi_anon"}
        return {unit: int(rows[key].nunique()) for unit, key in keys.items()}

    def facet(self, name: str, conditions: dict[str, list[Any]]) -> dict[Any, int]:
        """Distinct images by value, the field's own condition left out."""
        rows = self.select({k: v for k, v in conditions.items() if k != name})
        values = rows[name].astype(object).fillna("<null>")
        counts = rows.groupby(values)["image"].nunique()
        return {None if key == "<null>" else key: int(n) for key, n in counts.items()}


def _read(path: Path, names: list[str]) -> pd.DataFrame:
    frame = pd.read_csv(
        path, usecols=names, dtype=str, keep_default_na=False, na_values=["", "NaN", "nan"]
    )
    for name in ("tissueden", "path_severity"):
        if name in frame:
            frame[name] = pd.to_numeric(frame[name])
    return frame


def differences(model: ReadModel, truth: Pandas) -> Iterator[str]:
    """Every count that differs."""
    names = [name for group in COMPARED.values() for name in group]
    for conditions in FILTERS:
        counted = count_facets(model, parse_json(conditions), names, "images")
        if counted["total"] != truth.totals(conditions):
            yield f"{conditions}: {counted['total']} against {truth.totals(conditions)}"
        for name in names:
            ours = {o["value"]: o["count"] for o in counted["facets"][name] if o["count"]}
            theirs = truth.facet(name, conditions)
            if ours != theirs:
                yield f"{conditions}, {name}: {ours} against {theirs}"


@dataclass(frozen=True)
class Round:
    """An ingest, and what PostgreSQL alone needed before and after, on average."""

    ours: real_scale.Ingested
    limit: dict[str, float]
    model: ReadModel

    def parts(self, copy: str = PLAIN) -> dict[str, float]:
        """Seconds of each part of the limit, with one of the two ways to COPY."""
        return {name: self.limit[name] for name in (copy, "analyze", "pairs")}

    def ratio(self, copy: str = PLAIN) -> float:
        """The ingest's seconds by the limit's."""
        return self.ours.seconds / sum(self.parts(copy).values())


def measure(folder: Path, s3: S3Server, jwks: Path) -> Round:
    """One round, on a database of its own."""
    with real_scale.database() as url:
        env = real_scale.environment(url, jwks, s3, folder)
        before = asyncio.run(limit(url, folder))
        real_scale.settle(url)
        ours = real_scale.ingest(url, env, f"s3://{real_scale.BUCKET}/tables")
        model = asyncio.run(load_model(url, ours.revision_id))
        real_scale.settle(url)
        after = asyncio.run(limit(url, folder))
    return Round(ours, {name: (before[name] + after[name]) / 2 for name in before}, model)


def beside(name: str, rounds: Sequence[Round], copy: str) -> tuple[str, str, str, str]:
    """The median round as a row of the table, and every round's ratio."""
    median, parts = rounds[ROUNDS // 2], rounds[ROUNDS // 2].parts(copy)
    told = ", ".join(f"{part} {seconds:.1f}" for part, seconds in parts.items())
    ratios = ", ".join(f"{one.ratio(copy):.2f}" for one in rounds)
    return (
        name,
        f"{median.ours.seconds:.1f} s",
        f"{sum(parts.values()):.1f} s ({told})",
        f"{median.ratio(copy):.2f} (of {ratios})",
    )


def main() -> None:
    """Command line."""
    given = real_scale.options(__doc__).parse_args()
    folder = real_scale.tables(given.folder, given.images)
    with real_scale.object_store(folder) as s3, tempfile.TemporaryDirectory() as keys:
        jwks = ensure_keys(Path(keys))
        rounds = sorted((measure(folder, s3, jwks) for _ in range(ROUNDS)), key=Round.ratio)
    median = rounds[ROUNDS // 2]
    different = list(differences(median.model, Pandas(folder)))
    peak = max(one.ours.child.peak_mb for one in rounds)
    rows = [
        beside("ingest, S3 to queryable", rounds, PLAIN),
        beside("the same beside a COPY that freezes", rounds, FROZEN),
        ("processor time of the child", f"{median.ours.child.cpu_s:.1f} s", "", ""),
        ("peak memory of the child, any round", f"{peak:.0f} MB", "600 MB", f"{peak / 600:.2f}"),
        ("facet and total counts that differ from pandas", str(len(different)), "0", ""),
    ]
    text = real_scale.report(f"C1, ingest of {given.images} images", rows)
    report = median.ours.report
    print(text, "phases:", report[report.find('"seconds"') :], sep="\n")
    print(*different[:20], sep="\n")
    if given.out:
        given.out.write_text(text)
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
