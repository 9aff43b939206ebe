"""Where an image's file is: the catalog's answer, and what else can give it."""

import json
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict


class ImageSource(BaseModel):
    """What is needed to show one image (contract: docs/architecture.md, image-sources)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    image_id: int
    dataset: str
    restricted: bool
    revision_id: int
    patient_id: str
    exam_id: str
    sop_instance_uid: str
    source: str
    laterality: str | None = None
    view_position: str | None = None
    rois: list[dict[str, Any]] = []


class SourceLookup(Protocol):
    """Finds image sources. ``authorization`` is the header the person came with."""

    async def find(self, image_id: int, authorization: str) -> ImageSource | None:
        """The source of an image; None where there is no such image."""

    def known(self, image_id: int) -> ImageSource | None:
        """The source of an image where it is remembered; who may see it is not asked."""

    def forget(self) -> None:
        """Remember nothing that can be asked for again."""


class FileSources:
    """Image sources from a JSON file (a list): imagery by itself, without a catalog."""

    def __init__(self, path: Path) -> None:
        found = [ImageSource.model_validate(item) for item in json.loads(path.read_text())]
        self._sources = {source.image_id: source for source in found}

    async def find(self, image_id: int, authorization: str) -> ImageSource | None:
        """The source of an image; None where the file does not name it."""
        return self.known(image_id)

    def known(self, image_id: int) -> ImageSource | None:
        """The same at once."""
        return self._sources.get(image_id)

    def forget(self) -> None:
        """The file is all there is."""
