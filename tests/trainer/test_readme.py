"""The README says what there is to know."""

from pathlib import Path

import pytest
from trainer.settings import TrainerSettings

README = Path(__file__).parents[2] / "services" / "trainer" / "README.md"
HEADINGS = ["Owns", "Does not own", "API", "Settings", "Run its tests"]


def test_it_has_the_five_headings() -> None:
    lines = README.read_text().splitlines()
    assert [line.removeprefix("## ") for line in lines if line.startswith("## ")] == HEADINGS


@pytest.mark.parametrize("name", TrainerSettings.model_fields)
def test_every_setting_is_documented(name: str) -> None:
    assert f"`TRAINER_{name.upper()}`" in README.read_text()
    assert TrainerSettings.model_fields[name].description
