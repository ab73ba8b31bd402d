"""deploy/ftpsgate.service and .socket: systemd finds nothing wrong, and little that the service could be used for."""
import pathlib
import re
import subprocess

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, timeout=60)


def test_verify(tmp_path):
    """With a program in the place of the installed one."""
    for unit in DEPLOY.glob("ftpsgate.s*"):
        (tmp_path / unit.name).write_text(unit.read_text().replace("/usr/bin/ftpsgate", "/bin/true"))
    done = analyze("verify", "--man=no", tmp_path / "ftpsgate.service", tmp_path / "ftpsgate.socket")
    assert (done.returncode, done.stderr) == (0, "")


def test_exposure():
    done = analyze("security", "--offline=true", DEPLOY / "ftpsgate.service")
    level = re.search(r"Overall exposure level for ftpsgate\.service: ([\d.]+)", done.stdout)
    assert level and float(level.group(1)) <= 2.0, done.stdout + done.stderr


def test_the_unit_stops_later_than_the_gate_drains():
    """[server] drain_timeout is 30 seconds by default."""
    limit = re.search(r"^TimeoutStopSec=(\d+)$", (DEPLOY / "ftpsgate.service").read_text(), re.M)
    assert int(limit.group(1)) > 30


def test_a_crash_leaves_no_secrets_behind():
    """A-104: keys and passwords are in memory."""
    assert re.search(r"^LimitCORE=0$", (DEPLOY / "ftpsgate.service").read_text(), re.M)
