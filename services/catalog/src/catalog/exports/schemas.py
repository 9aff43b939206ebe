"""Bodies of answers about exports."""

from typing import Literal

from pydantic import BaseModel

FileName = Literal[
    "members.csv",
    "members.parquet",
    "findings.csv",
    "findings.parquet",
    "croissant.json",
    "manifest.s5cmd",
]


class ExportFile(BaseModel):
    """A file that a cohort can be taken out as."""

    name: FileName
    media_type: str
    description: str
    url: str
