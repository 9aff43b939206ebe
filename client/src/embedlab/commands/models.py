"""`embedlab models list|show|predict`."""

import argparse

from embedlab.commands.types import Commands, open_client
from embedlab.terminal import print_json, print_table, say, warn

LINEAGE = ("experiment", "protocol")


def add(commands: Commands) -> None:
    """Declare the commands."""
    models = commands.add_parser("models", help="trained models and what they say of images")
    actions = models.add_subparsers(dest="action", required=True)
    listed = actions.add_parser("list", help="list models")
    listed.add_argument("--mine", action="store_true")
    listed.set_defaults(run=run_list)
    show = actions.add_parser("show", help="a model and where it comes from")
    show.add_argument("model_id")
    show.set_defaults(run=run_show)
    predict = actions.add_parser("predict", help="what a model says of images or a cohort")
    predict.add_argument("model_id", help="the id of the job that trained it")
    asked = predict.add_mutually_exclusive_group(required=True)
    asked.add_argument("image_id", type=int, nargs="*", default=[])
    asked.add_argument("--cohort", metavar="COHORT_ID", help="queues a job")
    predict.set_defaults(run=run_predict)


def run_list(given: argparse.Namespace) -> int:
    """List models."""
    columns = ("model_id", "name", "architecture", *LINEAGE, "roc_auc", "created_at")
    with open_client(given) as lab:
        found = lab.models(**({"owner": "me"} if given.mine else {}))
        rows = [
            model
            | {name: model["lineage"][name] for name in LINEAGE}
            | {"roc_auc": (model["roc_auc"] or {}).get("value")}
            for model in found
        ]
    print_table(columns, rows, as_json=given.json)
    return 0


def run_show(given: argparse.Namespace) -> int:
    """Show a model."""
    with open_client(given) as lab:
        print_json(lab.model(given.model_id))
    return 0


def run_predict(given: argparse.Namespace) -> int:
    """Predict images now, or queue a job for a cohort."""
    with open_client(given) as lab:
        if given.cohort:
            job = lab.predict_cohort(given.model_id, given.cohort)
            say(f"{job['job_id']}  {job['name']}  {job['state']}")
            return 0
        found = lab.predict(given.model_id, given.image_id)
    if given.json:
        print_json(found)
    else:
        classes = list(found["predictions"][0]["probs"]) if found["predictions"] else []
        rows = [{"image_id": p["image_id"], **p["probs"]} for p in found["predictions"]]
        print_table(("image_id", *classes), rows, as_json=False)
    for image_id in found["missing"]:
        warn(f"note: image {image_id} is not there or cannot be read")
    return 0
