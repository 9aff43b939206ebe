"""The same questions to the catalog, to pandas and to plain SQL, on the same real-scale tables.

`python -m benchmarks.catalog.peers [--images N] [--folder DIR] [--out FILE]`

A question is ten facets (distinct images per value, a field's own condition left out) and the exact
totals under a filter of one, three or five conditions. pandas joins once after reading and answers
from memory, in a process of its own; plain SQL asks the server that the catalog uses, once over the
two tables as they were copied and once over a narrow table of the join, made before. All three must
say the same.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil
from catalog.fields import DEFAULT_FACETS
from chassis.database import asyncpg_url
from chassis.identity import Identity, Signer
from chassis.keys import ensure_keys
from devstack.ports import choose_ports

from benchmarks.catalog import real_scale
from benchmarks.catalog.facets import start
from benchmarks.catalog.ingest import Pandas

FILTERS: tuple[dict[str, list[Any]], ...] = (
    {"asses": ["A"]},
    {"ViewPosition": ["CC"]},
    {"asses": ["N", "B"], "ViewPosition": ["CC"], "tissueden": [2, 3]},
    {"side": [None], "FinalImageType": ["2D"], "ImageLateralityFinal": ["L"]},
    {
        "asses": ["S", "M"],
        "path_severity": [0, 1],
        "ViewPosition": ["MLO"],
        "FinalImageType": ["2D"],
        "tissueden": [1, 2, 3],
    },
    {
        "asses": ["A", "B"],
        "massshape": [None],
        "tissueden": [3, 4],
        "ImageLateralityFinal": ["R"],
        "Manufacturer": ["HOLOGIC, Inc."],
    },
)
NUMBERS = ("tissueden", "path_severity")
CLINICAL = ("asses", "side", "massshape", "massmargin", "massdens", "calcdistri", "type")
IMAGE = ("ViewPosition", "FinalImageType", "ImageLateralityFinal", "Manufacturer")

# The join of EMBED's README in SQL; an exam's density is the first that its rows tell.
JOINED = """
select m.n as image, m.acc_anon, m.empi_anon, {image}, {clinical},
    c.path_severity::float as path_severity, e.tissueden
from catalog.metadata_{id} m
left join catalog.clinical_{id} c on c.acc_anon = m.acc_anon
    and (c.side is null or c.side = 'B' or c.side = m."ImageLateralityFinal")
left join (
    select distinct on (acc_anon) acc_anon, tissueden::float as tissueden
    from catalog.clinical_{id} where tissueden is not null order by acc_anon, n
) e on e.acc_anon = m.acc_anon
"""

Answer = dict[str, Any]


def joined(revision_id: int) -> str:
    """The query of every pair of image and finding."""
    return JOINED.format(
        id=revision_id,
        image=", ".join(f'm."{name}"' for name in IMAGE),
        clinical=", ".join(f'c."{name}"' for name in CLINICAL),
    )


def where(conditions: dict[str, list[Any]], without: str = "") -> str:
    """The conditions in SQL; values are constants of this file."""
    parts = ["true"]
    for name, values in conditions.items():
        if name == without:
            continue
        given = [v for v in values if v is not None]
        listed = ", ".join(str(v) if name in NUMBERS else f"'{v}'" for v in given)
        tests = [f'"{name}" in ({listed})'] if given else []
        tests += [f'"{name}" is null'] if None in values else []
        parts.append(f"({' or '.join(tests)})")
    return " and ".join(parts)


async def ask_sql(connection: asyncpg.Connection, source: str, conditions: Answer) -> Answer:
    """Totals and ten facets by SQL, a query each."""
    row = await connection.fetchrow(
        "select count(distinct image) as images, count(distinct acc_anon) as exams, "
        f"count(distinct empi_anon) as patients from {source} as j where {where(conditions)}"
    )
    facets = {}
    for name in DEFAULT_FACETS:
        rows = await connection.fetch(
            f'select "{name}" as value, count(distinct image) as images from {source} as j '
            f"where {where(conditions, name)} group by 1"
        )
        facets[name] = {_value(r["value"]): r["images"] for r in rows}
    return {"total": dict(row), "facets": facets}


def ask_pandas(truth: Pandas, conditions: Answer) -> Answer:
    """Totals and ten facets by pandas."""
    facets = {name: truth.facet(name, conditions) for name in DEFAULT_FACETS}
    named = {f: {_value(v): n for v, n in counts.items()} for f, counts in facets.items()}
    return {"total": truth.totals(conditions), "facets": named}


def ask_catalog(client: httpx.Client, conditions: Answer) -> Answer:
    """Totals and ten facets by the service."""
    answer = client.post("/api/v1/facets", json={"filter": conditions})
    body = answer.raise_for_status().json()
    facets = {
        name: {_value(o["value"]): o["count"] for o in options if o["count"]}
        for name, options in body["facets"].items()
    }
    return {"total": body["total"], "facets": facets}


def _value(value: Any) -> str:
    """A value as all three can say it."""
    return str(float(value)) if isinstance(value, (int, float)) else str(value)


def timed(ask: Callable[[Answer], Answer]) -> tuple[list[float], list[Answer]]:
    """Milliseconds and answers of every filter."""
    taken, answers = [], []
    for conditions in FILTERS:
        started = time.perf_counter()
        answers.append(ask(conditions))
        taken.append((time.perf_counter() - started) * 1000)
    return taken, answers


def pandas_alone(folder: Path, out: Path) -> None:
    """The child: read, join, answer; its timings and answers go to ``out``."""
    started = time.perf_counter()
    truth = Pandas(folder)
    load = time.perf_counter() - started
    taken, answers = timed(lambda conditions: ask_pandas(truth, conditions))
    out.write_text(json.dumps({"load": load, "taken": taken, "answers": answers}))


async def sql_alone(url: str, revision_id: int) -> dict[str, Any]:
    """Both ways of plain SQL."""
    connection = await asyncpg.connect(asyncpg_url(url))
    found: dict[str, Any] = {}
    started = time.perf_counter()
    await connection.execute(f"create table narrow as {joined(revision_id)}")
    await connection.execute("analyze narrow")
    found["load"] = time.perf_counter() - started
    for name, source in (("raw", f"({joined(revision_id)})"), ("narrow", "narrow")):
        taken, answers = [], []
        for conditions in FILTERS:
            started = time.perf_counter()
            answers.append(await ask_sql(connection, source, conditions))
            taken.append((time.perf_counter() - started) * 1000)
        found[name] = {"taken": taken, "answers": answers}
    await connection.close()
    return found


def catalog_alone(env: dict[str, str], keys: Path) -> dict[str, Any]:
    """The service: seconds to ready, memory, timings, answers."""
    port = choose_ports(1)[0]
    process, ready = start(env, port)
    try:
        signer = Signer(keys / "gateway.pem", "gateway")
        token = signer.sign(Identity("benchmark", "Benchmark", "researcher"), 3600)
        headers = {"Authorization": f"Bearer {token}"}
        base = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=base, headers=headers, trust_env=False, timeout=60) as client:
            ask_catalog(client, {})
            taken, answers = timed(lambda conditions: ask_catalog(client, conditions))
        memory = psutil.Process(process.pid).memory_info().rss / 2**20
    finally:
        process.terminate()
        process.wait(20)
    return {"ready": ready, "memory": memory, "taken": taken, "answers": answers}


def latency(taken: Sequence[float]) -> str:
    """Milliseconds of one, three and five conditions."""
    by_size = [statistics.mean(taken[i : i + 2]) for i in (0, 2, 4)]
    return " / ".join(f"{ms:.0f}" if ms >= 100 else f"{ms:.1f}" for ms in by_size)


def main() -> None:
    """Command line."""
    parser = real_scale.options(__doc__)
    parser.add_argument("--pandas", type=Path, help="be the child: where the answers go")
    given = parser.parse_args()
    folder = real_scale.tables(given.folder, given.images)
    if given.pandas:
        pandas_alone(folder, given.pandas)
        return
    with real_scale.database() as url, tempfile.TemporaryDirectory() as scratch:
        keys = Path(scratch)
        env = real_scale.environment(url, ensure_keys(keys), None, folder)
        ingested = real_scale.ingest(url, env, f"file://{folder}")
        ours = catalog_alone(env, keys)
        sql = asyncio.run(sql_alone(url, ingested.revision_id))
        command = [sys.executable, "-m", "benchmarks.catalog.peers", "--folder", str(folder)]
        child = real_scale.Watched([*command, "--pandas", str(keys / "pandas.json")], env)
        child.wait()
        theirs = json.loads((keys / "pandas.json").read_text())
    same = all(
        ours["answers"] == other
        for other in (theirs["answers"], *(sql[n]["answers"] for n in ("raw", "narrow")))
    )
    title = f"Ten facets and totals of {given.images} images: catalog, pandas, plain SQL"
    text = real_scale.report(
        title,
        [
            (
                "catalog",
                latency(ours["taken"]),
                f"{ours['ready']:.1f} s",
                f"{ours['memory']:.0f} MB",
            ),
            (
                "pandas",
                latency(theirs["taken"]),
                f"{theirs['load']:.1f} s",
                f"{child.peak_mb:.0f} MB",
            ),
            (
                "SQL, narrow joined table",
                latency(sql["narrow"]["taken"]),
                f"{sql['load']:.1f} s",
                "",
            ),
            ("SQL, tables as copied", latency(sql["raw"]["taken"]), "", ""),
        ],
        ("who", "ms with 1 / 3 / 5 conditions", "start or preparation", "memory"),
    )
    text += f"\nThe catalog's ingest took {ingested.seconds:.1f} s, once. "
    text += f"All four answers equal: {same}.\n"
    print(text)
    if given.out:
        given.out.write_text(text)
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
