"""How the tests between jobs are told on the command line."""

from embedlab.commands.jobs import describe_tests


def test_tests_between_jobs_are_told_with_their_p_values() -> None:
    found = {
        "jobs": [
            {"job_id": "a", "name": "first"},
            {"job_id": "b", "name": "second"},
            {"job_id": "c", "name": "third"},
        ],
        "tests": [
            {
                "a": "a",
                "b": "b",
                "roc_auc": {"value": 0.05, "low": -0.01, "high": 0.11},
                "bootstrap_p": 0.094,
                "delong_p": None,
            }
        ],
        "refused": [{"a": "a", "b": "c", "reason": "their test sets differ"}],
    }
    assert list(describe_tests(found)) == [
        "second less first: roc_auc 0.050 (-0.010 to 0.110), p = 0.094 by bootstrap over patients",
        "third is not tested against first: their test sets differ",
    ]
