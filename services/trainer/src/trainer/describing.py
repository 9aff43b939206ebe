"""What a report says of predictions beside their figures: pure."""

from typing import Any

import numpy as np

from trainer.evaluation.evaluate import evaluate_deeply
from trainer.evaluation.metrics import Floats, Ints, predict_classes
from trainer.evaluation.predictions import Predictions
from trainer.samples import TEST, Samples

MOST_ERRORS = 500


def describe_test(samples: Samples, labels: Ints, probs: Floats) -> dict[str, Any]:
    """What `describe_predictions` says of the test split, and its lineage.

    ``probs`` (test images, classes).
    """
    predictions = collect_predictions(samples, labels, probs)
    return {**describe_predictions(predictions), "lineage": dict(samples.lineage)}


def describe_predictions(predictions: Predictions) -> dict[str, Any]:
    """{unit, evaluation, misclassified}."""
    return {
        "unit": predictions.unit,
        "evaluation": evaluate_deeply(predictions),
        "misclassified": find_misclassified(predictions),
    }


def collect_predictions(samples: Samples, labels: Ints, probs: Floats) -> Predictions:
    """The predictions with what groups them."""
    test = samples.in_split(TEST)
    return Predictions(
        target=labels[test],
        probs=probs,
        patients=samples.patients[test],
        classes=samples.classes,
        keys=[samples.keys[place] for place in test],
        exams=None if samples.exams is None else samples.exams[test],
        breasts=None if samples.breasts is None else samples.breasts[test],
        attributes={k: [v[place] for place in test] for k, v in samples.attributes.items()},
        label_field=samples.label_field,
    )


def find_misclassified(predictions: Predictions) -> dict[str, Any]:
    """{total, cases}: the surest errors first, as many as a page can hold.

    A case has an `image_id` or an `exam_id`, whatever the rows are.
    """
    said = predict_classes(predictions.probs)
    sure = predictions.probs[np.arange(len(said)), said]
    wrong = np.flatnonzero(said != predictions.target)
    ordered = wrong[np.argsort(-sure[wrong], kind="stable")]
    classes = predictions.classes
    cases = [
        {
            f"{predictions.unit}_id": predictions.keys[place],
            "label": classes[predictions.target[place]],
            "said": classes[said[place]],
            "share": float(sure[place]),
        }
        for place in ordered[:MOST_ERRORS].tolist()
    ]
    return {"total": len(wrong), "cases": cases}
