"""Pages of images in an order: keyset positions over presorted places."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from chassis.problems import invalid

from catalog.fields import field_named, fields
from catalog.model.read_model import ReadModel
from catalog.model.select import Selection
from catalog.nearest import nearest
from catalog.vocabulary import ASSESSMENT_ORDER

Keys = npt.NDArray[np.int64]

NULL_KEY = 2**40  # after every code, in either direction
SORTED_KEPT = 12


def sort_key(model: ReadModel, sort: str | None) -> Keys | None:
    """By image the key that it is sorted by, ascending; None: by image_id alone.

    ``sort`` is a field, or ``-field`` for descending; nulls come last. ``asses`` sorts by the worst
    assessment of an image, the most suspicious first.
    """
    name = (sort or "image_id").removeprefix("-")
    descending = bool(sort) and str(sort).startswith("-")
    if name == "image_id":
        return -model.image_id if descending else None
    key = worst_key(model) if name == "asses" else _field_key(model, name)
    if descending:
        key = np.where(key == NULL_KEY, NULL_KEY, -key)
    return key


def _field_key(model: ReadModel, name: str) -> Keys:
    field = field_named(name)
    if field is None or field.level == "finding" or field.multi or not model.has(field.name):
        sortable = [f.name for f in fields().values() if f.level != "finding" and not f.multi]
        near = nearest(name, ["image_id", "asses", *(n for n in sortable if model.has(n))])
        raise invalid("sort", f"cannot sort by {name[:100]!r}", near)
    codes = model.codes_of(field)[model.owner_of_image(field.level)].astype(np.int64)
    return np.where(codes == 0, NULL_KEY, codes)


def worst_key(model: ReadModel) -> Keys:
    """By image the rank of its worst assessment; NULL_KEY where it has none."""
    return worst_by_breast(model)[model.breast_of_image]


def worst_by_breast(model: ReadModel) -> Keys:
    """By breast the rank of its worst assessment in ``ASSESSMENT_ORDER``."""
    cache = model.__dict__
    if "_worst" not in cache:
        cache["_worst"] = _worst(model)
    worst: Keys = cache["_worst"]
    return worst


def _worst(model: ReadModel) -> Keys:
    if not model.has("asses"):
        return np.full(model.breasts, NULL_KEY)
    values = model.dictionaries["asses"].values
    rank = [NULL_KEY, *(_rank(str(value)) for value in values)]
    by_row = np.asarray(rank, np.int64)[model.codes["asses"]]
    return np.minimum.reduceat(by_row[model.pair_row], model.pair_start[:-1])


def _rank(assessment: str) -> int:
    order = ASSESSMENT_ORDER
    return order.index(assessment) if assessment in order else len(order)


def ordered_places(model: ReadModel, sort: str | None) -> tuple[npt.NDArray[np.int32], Keys | None]:
    """(places of all images in order, their keys in that order); the last few orders are kept."""
    kept: dict[str, tuple[npt.NDArray[np.int32], Keys | None]]
    kept = model.__dict__.setdefault("_orders", {})
    name = sort or "image_id"
    if name not in kept:
        key = sort_key(model, sort)
        if len(kept) >= SORTED_KEPT:
            kept.pop(next(iter(kept)))
        if key is None:
            kept[name] = (model.by_image_id, None)
        else:
            order = np.lexsort((model.image_id, key)).astype(np.int32)
            kept[name] = (order, key[order])
    return kept[name]


def page_of(
    selection: Selection, sort: str | None, position: Sequence[int] | None, limit: int
) -> tuple[npt.NDArray[np.int32], list[int] | None]:
    """(places of a page, position after it or None); a position is (key, image_id) of an image."""
    model = selection.model
    order, keys = ordered_places(model, sort)
    begin = 0 if position is None else _after(model, order, keys, position)
    rest = order[begin:]
    if selection.words is None:
        found = rest[: limit + 1]
    else:
        found = _first_matching(selection.mask, rest, limit + 1)
    if len(found) <= limit:
        return found, None
    last = int(found[limit - 1])
    key = 0 if keys is None else int(keys[begin + int(np.flatnonzero(rest == last)[0])])
    return found[:limit], [key, int(model.image_id[last])]


def _first_matching(
    mask: npt.NDArray[np.bool_], places: npt.NDArray[np.int32], wanted: int
) -> npt.NDArray[np.int32]:
    """The first ``wanted`` of ``places`` that match, looking no further than needed."""
    found: list[npt.NDArray[np.int32]] = []
    step, begin = 16 * wanted, 0
    while begin < len(places) and wanted > 0:
        part = places[begin : begin + step]
        hits = part[mask[part]][:wanted]
        found.append(hits)
        wanted -= len(hits)
        begin += step
        step *= 4
    return np.concatenate(found) if found else places[:0]


def _after(
    model: ReadModel, order: npt.NDArray[np.int32], keys: Keys | None, position: Sequence[int]
) -> int:
    key, image_id = position
    if keys is None:
        return int(np.searchsorted(model.ascending_image_id, image_id, side="right"))
    low = int(np.searchsorted(keys, key, side="left"))
    high = int(np.searchsorted(keys, key, side="right"))
    ids = model.image_id[order[low:high]]
    return low + int(np.searchsorted(ids, image_id, side="right"))
