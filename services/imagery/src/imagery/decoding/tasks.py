"""What a worker does with one file: functions from a call to (answer, payload)."""

import json
import mmap
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagery.dicom.attributes import check_instance, image_attributes, pixel_spacing
from imagery.dicom.elements import elements_document
from imagery.dicom.errors import OtherInstanceError, UnreadableImageError
from imagery.dicom.limits import Limits
from imagery.dicom.reader import DicomFile, element_faults, open_dicom
from imagery.dicom.stored import Reading, is_in_place, read_stored_values
from imagery.dicomweb.tasks import metadata_of, part_of
from imagery.rendering.render import Tones, read_tones, reduction, render
from imagery.rendering.request import ParameterError, Rendering, rendering_from
from imagery.rendering.survey import Survey, survey_of
from imagery.rendering.voi import Window

Answer = tuple[dict[str, Any], bytes]


@dataclass
class Kept:
    """The file that was rendered last: tiles of one picture come by the dozen."""

    _key: tuple[int, ...] = ()
    _file: DicomFile | None = None
    _tones: dict[Window | None, Tones] = field(default_factory=dict)

    def open(self, descriptor: int, limits: Limits) -> DicomFile:
        """The file behind ``descriptor``."""
        stat = os.fstat(descriptor)
        # As long as it is mapped, no other file has its number.
        key = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)
        if self._file is not None and key == self._key:
            return self._file
        self._key, self._file, self._tones = key, None, {}
        mapped = _mapped(descriptor)
        file = open_dicom(mapped, limits)
        if file.buffer.obj is mapped:  # not what had to be inflated or swapped in memory
            self._file = file
        return file

    def tones(self, file: DicomFile, window: Window | None, limits: Limits) -> Tones:
        """Its way from stored values to levels."""
        if file is not self._file:
            return read_tones(file, window, limits)
        if window not in self._tones:
            self._tones.clear()
            self._tones[window] = read_tones(file, window, limits)
        return self._tones[window]


@dataclass(frozen=True)
class Call:
    """A task's document, the descriptors that came with it, and whom to tell about attempts."""

    document: dict[str, Any]
    descriptors: list[int]
    limits: Limits
    attempt: Callable[[str], None]
    kept: Kept


def render_task(call: Call) -> Answer:
    """Render the file of the first descriptor.

    With a second one, decoded values are read from it if ``decoded`` describes them, else written
    to it, and ``decoded`` in the answer says how. ``survey`` is what an earlier answer said of the
    frame.
    """
    rendering = rendering_from(call.document["rendering"])
    file = _checked(call, call.kept.open(call.descriptors[0], call.limits))
    tones = call.kept.tones(file, rendering.window, call.limits)
    _check(rendering, tones, call.limits)
    reduce = 0 if len(call.descriptors) > 1 else reduction(file, tones, rendering)
    told = call.document.get("survey")
    known = Survey(**told) if told and not reduce else None
    stored = _decoded(call)
    if stored is None:
        avoided = tuple(call.document.get("avoided", ()))
        in_place = known is not None and known.in_place
        reading = Reading(rendering.frame, reduce, avoided, call.attempt, in_place)
        stored = read_stored_values(file, tones.image, reading)
    survey = known or survey_of(stored, tones.image, in_place=is_in_place(stored, file))
    picture = render(tones, rendering, stored, survey)
    left, top, right, bottom = tones.part(rendering)
    meta = {
        "region": [left, top, right - left, bottom - top],
        "mirrored": picture.mirrored,
        "chest_wall": picture.chest_wall,
        "width": picture.width,
        "height": picture.height,
        "decoded": None if survey.in_place else _kept(call, stored),
        "survey": None if reduce else asdict(survey),
    }
    return meta, picture.body


def elements_task(call: Call) -> Answer:
    """The elements of the file as a JSON document."""
    file = _opened(call)
    return {}, elements_document(file, call.limits)


def facts_task(call: Call) -> Answer:
    """What the image is, as a JSON document: size, frames, colours, spacing, transfer syntax."""
    file = _opened(call)
    with element_faults("an element of the header is malformed"):
        image = image_attributes(file.dataset, call.limits)
        spacing = pixel_spacing(file.dataset)
    document = {
        "columns": image.columns,
        "rows": image.rows,
        "frames": image.number_of_frames,
        "is_colour": image.is_colour,
        "photometric_interpretation": image.photometric_interpretation,
        "bits_stored": image.bits_stored,
        "spacing_mm": spacing,
        "transfer_syntax_uid": file.transfer_syntax_uid,
    }
    return {}, json.dumps(document).encode()


def metadata_task(call: Call) -> Answer:
    """What DICOMweb shows of the file, as a JSON document."""
    file = _opened(call)
    return {}, metadata_of(file, call.limits)


def part_task(call: Call) -> Answer:
    """A frame, or the instance, in a transfer syntax."""
    file = _opened(call)
    return {}, part_of(file, call.document, call.limits, call.attempt)


def instance_task(call: Call) -> Answer:
    """Nothing, where the file may be the instance that is asked for; a broken one may be any."""
    try:
        _opened(call)
    except OtherInstanceError:
        raise
    except UnreadableImageError:
        return {}, b""
    return {}, b""


TASKS: dict[str, Callable[[Call], Answer]] = {
    "render": render_task,
    "elements": elements_task,
    "facts": facts_task,
    "metadata": metadata_task,
    "part": part_task,
    "instance": instance_task,
}


def _opened(call: Call) -> DicomFile:
    """The file of the first descriptor, which is ``instance`` or does not say what it is."""
    return _checked(call, open_dicom(_mapped(call.descriptors[0]), call.limits))


def _checked(call: Call, file: DicomFile) -> DicomFile:
    expected = call.document.get("instance")
    if expected is not None:
        with element_faults("an element of the header is malformed"):
            check_instance(file.dataset, expected)
    return file


def _mapped(descriptor: int) -> mmap.mmap:
    if os.fstat(descriptor).st_size == 0:
        raise UnreadableImageError("the file is empty")
    return mmap.mmap(descriptor, 0, prot=mmap.PROT_READ)


def _check(rendering: Rendering, tones: Tones, limits: Limits) -> None:
    image = tones.image
    if not 1 <= rendering.frame <= image.number_of_frames:
        raise ParameterError("frame", f"the image has frames 1 to {image.number_of_frames}")
    height, width = tones.size(rendering)
    if height * width > limits.pixels or max(height, width) > 65535:
        name = "short_edge" if rendering.size.fit == "short_edge" else "viewport"
        raise ParameterError(name, f"asks for {width} x {height} pixels, too many")
    if rendering.outlines and rendering.depth != 8:
        raise ParameterError("depth", "ROIs are drawn over 8-bit pictures")
    if rendering.format == "webp" and max(height, width) > 16383:
        raise ParameterError("format", "WebP holds at most 16383 x 16383 pixels")


def _decoded(call: Call) -> NDArray[Any] | None:
    """The values that came with the call."""
    decoded = call.document.get("decoded")
    if not decoded:
        return None
    values = np.frombuffer(_mapped(call.descriptors[1]), np.dtype(decoded["dtype"]))
    return values.reshape(decoded["shape"])


def _kept(call: Call, stored: NDArray[Any]) -> dict[str, Any] | None:
    """Write the values where the call wants them; their layout."""
    if len(call.descriptors) == 1 or call.document.get("decoded"):
        return None
    with os.fdopen(os.dup(call.descriptors[1]), "wb") as out:
        out.seek(0)  # a process that died may have begun
        out.write(np.ascontiguousarray(stored).data)
    return {"dtype": stored.dtype.str, "shape": list(stored.shape)}
