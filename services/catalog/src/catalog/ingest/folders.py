"""A folder that holds both tables, such as ``s3://embed-dataset-open/tables/``."""

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from botocore.exceptions import ClientError

from catalog.fields import Table
from catalog.ingest.faults import SourceFault
from catalog.ingest.sources import Location


async def find_tables(client: Any, folder: Location, field: str) -> dict[str, str]:
    """The addresses of both tables in ``folder``; a SourceFault of ``field`` where one lacks."""
    names = await _names(client, folder, field)
    root = folder.uri.rstrip("/")
    return {
        "clinical": f"{root}/{quote(choose_table(names, 'clinical', field))}",
        "metadata": f"{root}/{quote(choose_table(names, 'metadata', field))}",
    }


def choose_table(names: Sequence[str], table: Table, field: str) -> str:
    """The file of ``table`` by its name: not the legend, and the full table before the reduced."""
    folded = {name: name.casefold() for name in names}
    of_table = [
        name
        for name, low in folded.items()
        if table in low and low.endswith(".csv") and "legend" not in low
    ]
    chosen = [name for name in of_table if "reduced" not in folded[name]] or of_table
    if len(chosen) != 1:
        there = ", ".join(sorted(chosen or names)[:8]) or "nothing"
        raise SourceFault(field, f"one file *{table}*.csv is expected there; found: {there}")
    return chosen[0]


async def _names(client: Any, folder: Location, field: str) -> list[str]:
    """Names of the files that lie directly in the folder."""
    try:
        if folder.path is not None:
            entries = await asyncio.to_thread(lambda at: list(at.iterdir()), folder.path)
            return [entry.name for entry in entries if entry.is_file()]
        prefix = f"{folder.key.rstrip('/')}/" if folder.key else ""
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket=folder.bucket, Prefix=prefix, Delimiter="/"
        )
        listed = [entry["Key"] async for page in pages for entry in page.get("Contents", ())]
        return [key.removeprefix(prefix) for key in listed]
    except ClientError as error:
        raise SourceFault(field, f"{folder.uri}: {error.response['Error']['Code']}") from error
    except OSError as error:
        raise SourceFault(field, f"{folder.uri}: {error.strerror}") from error
