"""The README tells every setting, fixture and exit status there is."""

import re
from pathlib import Path

import pytest
from devstack.demo import DemoSettings

from devstack import containers, testing

ROOM = Path(testing.__file__).parents[2]
README = (ROOM / "README.md").read_text()


def test_it_has_the_five_headings() -> None:
    headings = re.findall(r"^## (.*)", README, re.MULTILINE)
    assert headings == ["Owns", "Does not own", "API", "Settings", "Run its tests"]


@pytest.mark.parametrize("name", sorted(DemoSettings.model_fields))
def test_each_setting_of_the_demo_is_documented(name: str) -> None:
    assert f"`DEMO_{name.upper()}`" in README


def test_each_variable_of_the_plugin_is_documented() -> None:
    sources = "".join(Path(str(m.__file__)).read_text() for m in (testing, containers))
    names = set(re.findall(r"EMBEDLAB_TEST_[A-Z0-9_]*[A-Z0-9]", sources))
    names |= {f"EMBEDLAB_TEST_{s}_IMAGE" for s in re.findall(r"_image\(\"(\w+)\"", sources)}
    assert len(names) > 6
    assert {n for n in names if f"`{n}`" not in README} == set()


def test_each_fixture_is_documented() -> None:
    source = Path(testing.__file__).read_text()
    fixtures = re.findall(r"@pytest\.fixture.*\ndef (\w+)", source)
    assert len(fixtures) == 9
    assert [name for name in fixtures if f"| `{name}` |" not in README] == []
