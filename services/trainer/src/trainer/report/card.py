"""The model card: what it is, what it is for, what may be done with it."""

from collections.abc import Mapping
from typing import Any

from trainer.report.markup import facts
from trainer.report.subject import Subject

Document = Mapping[str, Any]
EMBED_TERMS = (
    "EMBED's licence: academic, non-commercial research only; each user registers individually; "
    "no redistribution of any portion; no public release of models, weights or embeddings trained "
    "on it; not for patient care; no re-identification."
)
UNTOLD_TERMS = {
    "patches": (
        "The folder of the patches tells none. Patches of CBIS-DDSM are under CC BY 3.0, as The "
        "Cancer Imaging Archive gives them, with the attribution: Sawyer-Lee et al., CBIS-DDSM, "
        "The Cancer Imaging Archive, doi:10.7937/K9/TCIA.2016.7O02S9CY; the demo's are synthetic."
    ),
    "array": "The array tells none: those of the pictures that it was made of.",
}
FINDINGS = {
    "asses": "BI-RADS assessments, as the dataset's table of findings has them (asses)",
    "path_severity": (
        "the severity of what pathology found, as the dataset's table of findings has it "
        "(path_severity)"
    ),
}
OTHERS = {
    "recipe": "those of a published curation (recipe)",
    "cohort": "those of the cohorts that it was combined of",
}
POLICIES = {
    "worst": "of several findings the worst",
    "exclude": "images whose findings disagree are left out",
    "finding": "only images of one ROI whose side has one finding",
}
OUTCOME = (
    "benign or malignant as the patches' labels say; CBIS-DDSM's are of pathology, and benign "
    "where nobody was called back"
)
KIND = "what a patch shows as the patches' labels say; CBIS-DDSM's are of its tables of cases"


def card(report: Document, subject: Subject) -> str:
    """The model card of a report."""
    spec = report["spec"]
    lineage = report.get("lineage") or {}
    dataset = lineage.get("dataset") or {}
    rows = [
        ("Model", _model(report)),
        ("Task", f"{spec['experiment']}: {', '.join(spec['source']['classes'])}"),
        (
            "Evaluated on" if spec.get("scores") else "Trained and tested on",
            dataset.get("title") or spec["source"].get("name"),
        ),
        ("Labels", _labels(spec, lineage, subject)),
        ("Terms of the data", _terms(dataset, subject)),
        ("Intended use", "Research on the data it comes from. Not a medical device."),
        ("Not for", "Patient care, screening decisions, or any other population unexamined."),
        ("Protocol", _protocol(report, subject)),
        ("Known limits", _limits(report, subject)),
    ]
    return f'<h2 id="card">Model card</h2>{facts(rows)}'


def _model(report: Document) -> str:
    spec = report["spec"]
    settings = spec["settings"]
    if spec.get("scores"):
        return "not trained here: its scores were uploaded"
    if _kind(spec) == "ensemble":
        return "the mean of the probabilities of the jobs that it is made of"
    settings = settings | _chosen(report.get("combined") or {})
    weights = "random" if settings["weights"] == "none" else settings["weights"]
    return f"{settings['model']}, from {weights} weights, input {settings['input_size']} pixels"


def _chosen(combined: Document) -> dict[str, Any]:
    """The settings in which the child that a sweep chose differs from the others."""
    members = combined.get("members", ())
    differs = (one["differs"] for one in members if one["job_id"] == combined["chosen"])
    return {k.removeprefix("settings."): v for one in differs for k, v in one.items()}


def _kind(spec: Document) -> str | None:
    """`sweep`, `folds` or `ensemble`, where the job was made of jobs."""
    kind: str | None = (spec.get("composition") or {}).get("kind")
    return kind


def _labels(spec: Document, lineage: Document, subject: Subject) -> str:
    """Where they come from, and what was done where they disagree."""
    source = spec["source"]
    if source["kind"] == "patches":
        told = [OUTCOME if source["labelling"] == "benign-malignant" else KIND]
    elif source["kind"] == "array":
        told = ["those that came with the array"]
    else:
        told = _of_cohort(lineage)
        if subject.unit == "exam":
            told.append("of an exam's images the worst")
    if spec["settings"].get("permute_labels") is not None:
        told.append("SHUFFLED within each split: a control")
    return "; ".join(told)


def _of_cohort(lineage: Document) -> list[str]:
    definition = (lineage.get("cohort") or {}).get("definition") or {}
    label = definition.get("label") or {}
    field: str = label.get("field", "")
    if field in FINDINGS:
        return [FINDINGS[field], POLICIES[label.get("policy", "worst")]]
    return [OTHERS.get(field, f"the field {field} of the dataset")] if field else []


def _terms(dataset: Document, subject: Subject) -> str:
    terms = [dataset.get("licence"), dataset.get("attribution")]
    if dataset.get("restricted"):
        terms.append(EMBED_TERMS)
    return "; ".join(filter(None, terms)) or UNTOLD_TERMS.get(subject.source, "")


def _protocol(report: Document, subject: Subject) -> str:
    """How data were parted and what was chosen where."""
    spec, metrics = report["spec"], report["metrics"]
    if spec.get("scores"):
        parted = "by patient" if spec["protocol"] == "patient" else "by image"
        return (
            f"Scores held against the labels of the {subject.split} split of a cohort that was "
            f"split {parted}. Of the training, and of what chose the model, nothing is known."
        )
    if spec["protocol"] != "patient":
        return (
            "PUBLISHED protocol: split by image; trained on all but the test split, which also "
            "chose the epoch. Its figures are inflated."
        )
    parts = [_patient_protocol(spec, subject)]
    if len(spec["source"]["classes"]) > 2:
        parts.append("The class is the most probable.")
    else:
        parts.append("The class is the more probable: a threshold of one half.")
        if metrics.get("thresholds"):
            parts.append("Other thresholds were chosen on validation.")
    return " ".join(parts)


def _patient_protocol(spec: Document, subject: Subject) -> str:
    split = "Split by patient"
    if subject.source == "patches":
        split += ", as far as the patches tell whose they are"
    if subject.method == "k-fold":
        return (
            f"{split}, into {subject.folds} folds: each tests one model, whose epoch the next fold "
            "chose. Figures are means over folds."
        )
    if subject.method == "k-holdout":
        return (
            f"{split}: one test split for {subject.folds} models, each with other patients for "
            "validation, which chose its epoch. Figures are means over models."
        )
    if _kind(spec) == "ensemble":
        return f"{split}; each member's epoch was chosen on validation, none by the test split."
    chosen = "epoch and settings were" if _kind(spec) == "sweep" else "the epoch was"
    return f"{split}; {chosen} chosen on validation, the test split used once."


def _limits(report: Document, subject: Subject) -> str:
    """What the figures leave open."""
    patients = f"{report['metrics']['test']['patients']:,} patients"
    if subject.method == "k-fold":
        told = f"{patients}, each tested once by one of {subject.folds} models"
    elif subject.method == "k-holdout":
        told = f"One test split of {patients} for all {subject.folds} models"
    else:
        told = f"One {subject.split} split of {patients}"
    if report["spec"].get("scores"):
        return f"{told}; whether the model has seen these patients before cannot be told from here"
    return f"{told}; no external validation"
