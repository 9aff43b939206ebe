"""What WADO-RS sends of instances: files, frames, documents, pictures."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from chassis.identity import Identity
from chassis.problems import Problem, not_found

from imagery.conditional import made
from imagery.dicomweb.accept import (
    DICOM,
    EXPLICIT,
    MEDIA_OF_SYNTAX,
    OCTETS,
    RELATED,
    Choice,
    Offer,
    choose,
)
from imagery.dicomweb.directory import DicomDirectory, Instance
from imagery.dicomweb.document import Document, attribute
from imagery.dicomweb.multipart import Part, whole
from imagery.dicomweb.query import is_uid
from imagery.dicomweb.results import identifiers, instance_url
from imagery.flow import Imagery
from imagery.objects.chunks import file_chunks
from imagery.sources import ImageSource, SourceLookup

METADATA = {"task": "metadata"}
PIXEL_DATA = "7FE00010"
AT_ONCE = 4


@dataclass(frozen=True)
class Kept:
    """An instance, its source, and what its file tells: attributes shown, encoding."""

    instance: Instance
    source: ImageSource
    attributes: Document
    encoding: dict[str, Any]

    @property
    def frames(self) -> int:
        """Number of frames."""
        return int(self.encoding["frames"])


@dataclass(frozen=True)
class Archive:
    """Studies as one person may have them; ``base`` is the address of the service."""

    imagery: Imagery
    sources: SourceLookup
    directory: DicomDirectory
    caller: Identity
    authorization: str
    base: str
    deadline_s: float

    async def instances(
        self, study: str, series: str | None = None, instance: str | None = None
    ) -> list[Instance]:
        """Those of a study, a series, or the one; 404 where there is none."""
        named = is_uid(study)  # what cannot be a name is nobody's
        known = await self.directory.study(study, self.caller, self.authorization) if named else ()
        found = [
            one
            for one in known
            if series in (None, one.series_instance_uid)
            and instance in (None, one.sop_instance_uid)
        ]
        if not found:
            level = "instance" if instance else "series" if series else "study"
            raise not_found(level, (instance or series or study)[:64])
        return found

    async def source(self, instance: Instance) -> ImageSource:
        """Where the file of ``instance`` lies."""
        found = await self.sources.find(instance.image_id, self.authorization)
        if found is None:
            raise not_found("instance", instance.sop_instance_uid)
        return found

    async def kept(self, instance: Instance) -> Kept:
        """``instance`` with what its file tells."""
        source = await self.source(instance)
        async with asyncio.timeout(self.deadline_s):
            found = await self.imagery.document(source, METADATA)
        told = json.loads(made(found.answer).body)
        return Kept(instance, source, told["attributes"], told["encoding"])

    async def metadata(self, instances: Sequence[Instance]) -> AsyncIterator[Document]:
        """The documents of ``instances``, some made at once, in their order."""
        for begin in range(0, len(instances), AT_ONCE):
            part = instances[begin : begin + AT_ONCE]
            for kept in await asyncio.gather(*map(self.kept, part)):
                yield metadata_document(kept, self.base)

    async def part(self, kept: Kept, syntax: str | None, frame: int | None = None) -> bytes:
        """A frame, or without one the instance, in a transfer syntax (None: as it is kept)."""
        asked = {"task": "part", "frame": frame, "syntax": syntax}
        async with asyncio.timeout(self.deadline_s):
            return made(await self.imagery.extract(kept.source, asked)).body

    async def files(self, instances: Sequence[Instance], accept: str) -> AsyncIterator[Part]:
        """Instances as files; those that are asked for as they are kept, byte for byte."""
        for instance in instances:
            kept = await self.kept(instance)
            offer = instance_choice(kept, accept, single=False).offer
            yield await self.file(kept, offer)

    async def file(self, kept: Kept, offer: Offer) -> Part:
        """An instance as a file."""
        location = instance_url(self.base, kept.instance)
        if offer.syntax == kept.encoding["file_syntax"]:
            async with asyncio.timeout(self.deadline_s):
                original = await self.imagery.original(kept.source)
            return Part(offer.content_type, file_chunks(original), location)
        body = await self.part(kept, offer.syntax)
        return Part(offer.content_type, whole(body), location)

    async def frame_parts(
        self, kept: Kept, frames: Sequence[int], offer: Offer
    ) -> AsyncIterator[Part]:
        """Frames, one part each."""
        syntax = None if offer.syntax == kept.encoding["syntax"] else offer.syntax
        for frame in frames:
            body = await self.part(kept, syntax, frame)
            location = f"{instance_url(self.base, kept.instance)}/frames/{frame}"
            yield Part(offer.content_type, whole(body), location)


def metadata_document(kept: Kept, base: str) -> Document:
    """What is shown of an instance: its file's attributes under the catalog's identifiers."""
    url = instance_url(base, kept.instance)
    pixels = {"vr": "OW" if kept.encoding["word"] else "OB", "BulkDataURI": f"{url}/bulkdata"}
    found = {
        **kept.attributes,
        **attribute("SpecificCharacterSet", "ISO_IR 192"),
        **attribute("AvailableTransferSyntaxUID", kept.encoding["syntax"]),
        **attribute("PatientBirthDate"),
        **identifiers(kept.instance, "instance"),
        PIXEL_DATA: pixels,
    }
    return dict(sorted(found.items()))


def instance_choice(kept: Kept, accept: str, *, single: bool) -> Choice:
    """How to send an instance; 406 where nothing suits."""
    original = Offer(DICOM, kept.encoding["file_syntax"])
    offers = [Offer(DICOM, syntax) for syntax in kept.encoding["others"]]
    return _chosen(choose(accept, original, offers, single=single), (original, *offers))


def frame_choice(kept: Kept, accept: str, *, single: bool) -> Choice:
    """How to send frames; 406 where nothing suits."""
    syntax = kept.encoding["syntax"]
    original = Offer(MEDIA_OF_SYNTAX.get(syntax, OCTETS), syntax)
    offers = [
        Offer(OCTETS if other == EXPLICIT else MEDIA_OF_SYNTAX[other], other)
        for other in kept.encoding["others"]
    ]
    return _chosen(choose(accept, original, offers, single=single), (original, *offers))


def _chosen(choice: Choice | None, offers: Sequence[Offer]) -> Choice:
    if choice is None:
        forms = (f'{RELATED}; type="{o.media}"; transfer-syntax={o.syntax}' for o in offers)
        available = ", ".join(dict.fromkeys(forms))
        raise Problem(406, "No acceptable media type", detail=f"Available: {available}.")
    return choice
