"""What a report shows of a network's reasons: a gallery, and agreement with radiologists' boxes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from trainer.evaluation.metrics import Floats, Ints, predict_classes
from trainer.explanations.agreement import measure_agreement
from trainer.explanations.boxes import Boxes, boxes_in_square
from trainer.explanations.methods import METHODS, NAMES, methods_of
from trainer.explanations.pictures import brighten, encode_png, overlay
from trainer.samples import TEST, TRAIN, Samples
from trainer.spec import TrainingSettings
from trainer.training.batches import Normalisation, evaluation_batches, to_tensors

HITS, MISSES = 2, 2
"""Of each class, the surest."""
COMPARED = 64
"""Images with boxes that agreement is measured on, evenly among the test split's."""
BATCH = 16


@dataclass(frozen=True)
class Explainer:
    """A trained network in evaluation mode, and the way of its pixels."""

    model: nn.Module
    settings: TrainingSettings
    normalisation: Normalisation
    device: str

    def batches(
        self, samples: Samples, places: Ints
    ) -> Iterator[tuple[list[torch.Tensor], NDArray[np.uint8]]]:
        """(what the network takes, pictures (b, size, size)) of samples, in ascending order."""
        chosen = np.isin(np.arange(len(samples.labels)), places)
        marked = replace(samples, splits=np.where(chosen, TEST, TRAIN).astype(np.int8))
        for inputs in evaluation_batches(marked, TEST, self.settings):
            for start in range(0, len(inputs.pictures), BATCH):
                part = inputs.part(slice(start, start + BATCH))
                device = torch.device(self.device)
                yield to_tensors(part, self.normalisation, device), part.pictures


@dataclass(frozen=True)
class Heat:
    """A picture of the gallery: ``maps`` by method, each (size, size)."""

    picture: NDArray[np.uint8]
    maps: dict[str, NDArray[np.float32]]
    told: float | None


def explain(explainer: Explainer, samples: Samples, places: Ints, target: Ints) -> list[Heat]:
    """Every method that applies, for the samples at ascending ``places``; ``target`` alike."""
    explainer.model.eval()
    found: list[Heat] = []
    methods: list[str] | None = None
    for arguments, pictures in explainer.batches(samples, places):
        if methods is None:
            methods = methods_of(explainer.model, arguments)
        wanted = torch.from_numpy(target[len(found) : len(found) + len(pictures)])
        wanted = wanted.to(explainer.device)
        results = {name: METHODS[name](explainer.model, arguments, wanted) for name in methods}
        told = results["attention"].told if "attention" in results else None
        for row, picture in enumerate(pictures):
            maps = {name: result.maps[row].cpu().numpy() for name, result in results.items()}
            found.append(Heat(picture, maps, None if told is None else float(told[row])))
    return found


def explain_test(
    explainer: Explainer, samples: Samples, labels: Ints, probs: Floats
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """(what the report says, PNG by `<image_id>-<method>`), for the test split.

    ``probs`` (test images, classes).
    """
    test, said = samples.in_split(TEST), predict_classes(probs)
    chosen = choose_cases(labels[test], probs)
    heats = explain(explainer, samples, test[chosen], said[chosen])
    if not heats or not heats[0].maps:
        told = "The network takes no pictures into account: there is nothing to explain."
        return {"names": NAMES, "gallery": [], "agreement": {}, "refused": told}, {}
    gallery, pictures = [], dict[str, bytes]()
    for place, heat in zip(chosen, heats, strict=True):
        key = samples.keys[test[place]]
        boxes = _boxes(explainer.settings, samples, test[place])
        gallery.append(
            {
                "image_id": key,
                "label": samples.classes[labels[test[place]]],
                "said": samples.classes[said[place]],
                "share": float(probs[place, said[place]]),
                "right": bool(labels[test[place]] == said[place]),
                "methods": list(heat.maps),
                "told": heat.told,
                "boxes": len(boxes),
            }
        )
        bare = np.zeros(heat.picture.shape, np.float32)
        for name, heated in {"picture": bare, **heat.maps}.items():
            shown = brighten(heated)
            pictures[f"{key}-{name}"] = encode_png(overlay(heat.picture, shown, boxes))
    agreement = compare_with_boxes(explainer, samples, test, said)
    return {"names": NAMES, "gallery": gallery, "agreement": agreement, "refused": None}, pictures


def choose_cases(target: Ints, probs: Floats) -> Ints:
    """Ascending places of the surest two hits and two misses of each class."""
    said = predict_classes(probs)
    sure = probs[np.arange(len(said)), said]
    found: list[int] = []
    for place in range(probs.shape[1]):
        for right, most in ((True, HITS), (False, MISSES)):
            members = np.flatnonzero((target == place) & ((said == target) == right))
            found += members[np.argsort(-sure[members], kind="stable")][:most].tolist()
    return np.array(sorted(found), np.int64)


def compare_with_boxes(
    explainer: Explainer, samples: Samples, test: Ints, said: Ints
) -> dict[str, Any]:
    """Agreement by method, on test images that radiologists drew boxes on; {} without any."""
    drawn = [_boxes(explainer.settings, samples, place) for place in test]
    places = np.flatnonzero([len(boxes) > 0 for boxes in drawn])
    if not len(places):
        return {}
    kept = np.linspace(0, len(places) - 1, min(COMPARED, len(places))).round().astype(np.int64)
    places = places[np.unique(kept)]
    heats = explain(explainer, samples, test[places], said[places])
    boxes = [drawn[place] for place in places]
    patients = samples.patients[test[places]]
    return {
        name: measure_agreement([heat.maps[name] for heat in heats], boxes, patients)
        for name in heats[0].maps
    }


def _boxes(settings: TrainingSettings, samples: Samples, place: int) -> Boxes:
    found = samples.rois.get(samples.keys[place])
    if found is None:
        return np.zeros((0, 4), np.int64)
    sizes: Sequence[int] = found["full"]
    full = sizes[0], sizes[1]
    return boxes_in_square(
        found["rois"], full, settings.stored_size, settings.fit, settings.input_size
    )
