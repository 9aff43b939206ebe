"""What a person reads in the foreground: prefixes, colours, JSON lines made readable."""

import io
import re
from pathlib import Path

import pytest
from devstack.console import Console, LogFollower, describe_json_line

from devstack import console


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("line", "level", "text"),
    [
        ("plain words", "info", "plain words"),
        ("[1, 2]", "info", "[1, 2]"),
        (
            '{"time": "t", "level": "info", "service": "s", "message": "request", "method": "GET",'
            ' "route": "/livez", "status": 200, "ms": 1.5, "bytes": 9}',
            "info",
            "GET /livez 200  1.5 ms",
        ),
        (
            '{"level": "warning", "message": "cache is gone", "seconds": 1.23456}',
            "warning",
            "cache is gone  seconds=1.235",
        ),
        (
            '{"level": "error", "message": "oops", "exception": "Traceback\\nValueError"}',
            "error",
            "oops\nTraceback\nValueError",
        ),
    ],
)
def test_a_log_line_is_made_readable(line: str, level: str, text: str) -> None:
    assert describe_json_line(line) == (level, text)


def test_every_line_has_its_prefix_and_columns_align() -> None:
    out = io.StringIO()
    shown = Console(["gateway", "s3"], out)
    shown.write("s3", "first\nsecond")
    shown.write("gateway", "third")
    lines = out.getvalue().splitlines()
    assert [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in lines] == [
        "s3       │ first",
        "s3       │ second",
        "gateway  │ third",
    ]


def test_colours_only_on_a_terminal_that_wants_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured, plain, refused = Terminal(), io.StringIO(), Terminal()
    Console(["s3"], coloured).write("s3", "failed", "error")
    Console(["s3"], plain).write("s3", "failed", "error")
    monkeypatch.setenv("NO_COLOR", "1")
    Console(["s3"], refused).write("s3", "failed", "error")
    assert "\x1b[31mfailed\x1b[0m" in coloured.getvalue()
    assert "\x1b" not in plain.getvalue() + refused.getvalue()


def test_the_follower_shows_whole_lines_once(tmp_path: Path) -> None:
    out = io.StringIO()
    log = tmp_path / "s3.log"
    log.write_text("from an earlier start\n")
    follower = LogFollower(tmp_path, ["s3"], ["s3"], Console(["s3"], out))
    with log.open("a") as file:
        file.write("one\ntw")
        file.flush()
        follower.poll()
        assert out.getvalue().count("\n") == 1
        file.write("o\n")
        file.flush()
        follower.poll()
        follower.poll()
    assert [line.partition("│ ")[2] for line in out.getvalue().splitlines()] == ["one", "two"]


def test_a_log_that_grew_too_long_is_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "_ROTATE_BYTES", 100)
    out = io.StringIO()
    follower = LogFollower(tmp_path, ["s3"], ["s3"], Console(["s3"], out))
    with (tmp_path / "s3.log").open("ab") as file:  # held open, as a process does
        file.write(b"x" * 200 + b"\n")
        file.flush()
        follower.poll()
        assert (tmp_path / "s3.log").stat().st_size == 0
        file.write(b"after\n")
        file.flush()
        follower.poll()
    assert (tmp_path / "s3.log.1").stat().st_size == 201
    assert out.getvalue().splitlines()[-1].endswith("│ after")
