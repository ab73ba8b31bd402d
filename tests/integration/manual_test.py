"""ftpsgate(8) names every command and option that the program has."""
import pathlib
import re

import pytest

from support.gate import run_command

PAGE = (pathlib.Path(__file__).resolve().parents[2] / "deploy" / "ftpsgate.8").read_text()


def commands():
    listed = run_command("--help").stdout.partition("Subcommands:")[2]
    return re.findall(r"^ +([a-z-]+) ", listed, re.MULTILINE)


def test_commands():
    found = commands()
    assert {"run", "check", "identity", "import-iis"} <= set(found)
    assert set(re.findall(r"^\.It Cm ([a-z-]+)$", PAGE, re.MULTILINE)) == set(found)


@pytest.mark.parametrize("command", [[], *([name] for name in ("run", "check", "identity", "import-iis"))])
def test_options(command):
    options = set(re.findall(r"--([a-z-]+)", run_command(*command, "--help").stdout))
    assert options, "no option, not even --help"
    assert options <= set(re.findall(r"-([a-z]{2}[a-z-]*)", PAGE))
