"""What an archive holds: which files of an image, under which names. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from imagery.cohorts import Member
from imagery.rendering.request import Format, Region, Rendering, Size, Unit
from imagery.sources import ImageSource

Content = Literal["png8", "png16", "dicom", "rois"]
Layout = Literal["class", "split", "flat"]

MANIFEST = "manifest.json"
_unsafe = re.compile(r"[^0-9A-Za-z._+=-]+")


@dataclass(frozen=True)
class Packing:
    """How a cohort is packed: pictures have the chest wall left, the frame of the ROIs."""

    content: Content = "png8"
    layout: Layout = "class"
    short_edge: int | None = None
    margin: float = 0
    unit: Unit = "px"


@dataclass(frozen=True)
class Entry:
    """One file of an archive; ``rendering`` None: the original."""

    path: str
    rendering: Rendering | None
    roi: int | None = None


def entries(member: Member, source: ImageSource, packing: Packing) -> Iterator[Entry]:
    """The files of a member: one, or one for each of its ROIs."""
    stem = f"{folder(member, packing.layout)}{safe_name(member.sop_instance_uid)}"
    if packing.content == "dicom":
        yield Entry(f"{stem}.dcm", None)
    elif packing.content == "rois":
        for box in source.rois:
            yield Entry(f"{stem}_roi{box['n']}.png", _of_roi(box, packing), int(box["n"]))
    else:
        yield Entry(f"{stem}.png", _picture(packing))


def folder(member: Member, layout: Layout) -> str:
    """`class/`, `split/class/` or nothing."""
    parts = {"class": [member.label], "split": [member.split, member.label], "flat": []}[layout]
    return "".join(f"{safe_name(part)}/" for part in parts)


def safe_name(text: str) -> str:
    """``text`` as the name of a file or folder everywhere; never empty, never a way out."""
    name = _unsafe.sub("_", text).strip("._")
    return name[:128] or "_"


def _picture(packing: Packing) -> Rendering:
    size = Size("short_edge", packing.short_edge) if packing.short_edge else Size()
    png: Format = "png"
    depth: Literal[8, 16] = 16 if packing.content == "png16" else 8
    return Rendering(format=png, size=size, depth=depth, orient="chest-wall-left")


def _of_roi(box: dict[str, int], packing: Packing) -> Rendering:
    width, height = box["xmax"] - box["xmin"], box["ymax"] - box["ymin"]
    region = Region(box["xmin"], box["ymin"], width, height, packing.margin, packing.unit)
    size = Size("short_edge", packing.short_edge) if packing.short_edge else Size()
    return Rendering(format="png", size=size, orient="chest-wall-left", region=region)
