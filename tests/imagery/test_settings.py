"""Each setting is documented, and nothing else is."""

import re
from pathlib import Path

from imagery.settings import ImagerySettings

README = Path(__file__).parents[2] / "services/imagery/README.md"


def test_every_setting_is_in_the_readme() -> None:
    rows = [line for line in README.read_text().splitlines() if line.startswith("| `IMAGERY_")]
    documented = {name for row in rows for name in re.findall(r"`IMAGERY_(\w+)`", row)}
    assert documented == {name.upper() for name in ImagerySettings.model_fields}


def test_every_setting_says_what_it_means() -> None:
    assert all(field.description for field in ImagerySettings.model_fields.values())
