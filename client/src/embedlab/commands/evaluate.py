"""`embedlab evaluate`: the report of a model that was not trained here, from its scores."""

import argparse
from pathlib import Path

from embedlab.commands.jobs import announce
from embedlab.commands.types import Commands, open_client


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("evaluate", help="evaluate scores of a model from elsewhere")
    parser.add_argument(
        "scores",
        type=Path,
        metavar="SCORES.csv",
        help="image_id or exam_id, and a probability for each class, called B or p_B",
    )
    parser.add_argument(
        "--cohort", required=True, metavar="COHORT_ID", help="whose labels they are"
    )
    parser.add_argument("--split", choices=("train", "validation", "test"), help="test by default")
    parser.add_argument("--name")
    parser.add_argument("--wait", action="store_true", help="for its end, and print the figures")
    parser.set_defaults(run=run_evaluate)


def run_evaluate(given: argparse.Namespace) -> int:
    """Send the scores; a wrong row is refused by line and column."""
    scores = given.scores.read_bytes()
    with open_client(given) as lab:
        job = lab.create_evaluation(scores, given.cohort, split=given.split, name=given.name)
        return announce(lab, job, as_json=given.json, wait=given.wait)
