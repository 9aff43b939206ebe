"""How a sweep, folds or an ensemble are said on the command line."""

from typing import Any

import pytest
from embedlab.cli import make_parser
from embedlab.commands.jobs import parse_composition


@pytest.mark.parametrize(
    ("words", "composition"),
    [
        ((), None),
        (("--single",), None),
        (
            ("--sweep", "learning_rate=1e-3,0.1", "--sweep", "optimiser=adam,sgd"),
            {
                "kind": "sweep",
                "grid": {"learning_rate": [1e-3, 0.1], "optimiser": ["adam", "sgd"]},
            },
        ),
        (("--folds", "5"), {"kind": "folds", "count": 5}),
        (
            ("--folds", "4", "--fold-method", "k-holdout"),
            {"kind": "folds", "count": 4, "method": "k-holdout"},
        ),
        (("--ensemble", "a", "b"), {"kind": "ensemble", "jobs": ["a", "b"]}),
    ],
)
def test_words_become_a_composition(
    words: tuple[str, ...], composition: dict[str, Any] | None
) -> None:
    given = make_parser().parse_args(["jobs", "submit", "embed-2b6k", "c", *words])
    assert parse_composition(given) == composition


def test_a_sweep_without_values_and_two_compositions_at_once_are_refused() -> None:
    parser = make_parser()
    with pytest.raises(ValueError, match="is not like learning_rate=1e-3,1e-4"):
        parse_composition(parser.parse_args(["jobs", "submit", "e", "c", "--sweep", "epochs"]))
    with pytest.raises(SystemExit):
        parser.parse_args(["jobs", "submit", "e", "c", "--folds", "3", "--single"])
    with pytest.raises(SystemExit):
        parser.parse_args(["models", "predict", "m"])
    words = ["jobs", "submit", "e", "c", "--fold-method", "k-holdout"]
    with pytest.raises(ValueError, match="is of --folds"):
        parse_composition(parser.parse_args(words))


def test_a_job_on_patches_is_said_without_a_cohort() -> None:
    words = ["jobs", "submit", "cbis-siamese", "--array", "cbis", "--profile", "published"]
    given = make_parser().parse_args(words)
    assert (given.cohort_id, given.array, given.profile) == (None, "cbis", "published")
