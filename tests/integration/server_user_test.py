"""server.user: root until all is bound, then somebody else for good."""
import os
import pathlib
import pwd
import signal

import pytest

from support import toml
from support.gate import run_command

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
WHO = pwd.getpwnam("nobody")


def status_of(pid, key):
    """The numbers of a line in /proc/PID/status."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return [int(word, 16 if key.startswith("Cap") else 10)
            for word in next(line for line in lines if line.startswith(key + ":")).split()[1:]]


@pytest.fixture
def gate(house, tmp_path):
    log = tmp_path / "xferlog"
    made = house.unshared(server={"user": "nobody"}, log={"transfer_log": str(log)})
    made.xferlog = log
    return made


def test_every_thread_is_that_user(gate):
    """User, group, no other groups, no capabilities, no way back."""
    for thread in os.listdir(f"/proc/{gate.child.pid}/task"):
        assert status_of(f"{gate.child.pid}/task/{thread}", "Uid") == [WHO.pw_uid] * 4
        assert status_of(f"{gate.child.pid}/task/{thread}", "Gid") == [WHO.pw_gid] * 4
        assert set(status_of(f"{gate.child.pid}/task/{thread}", "Groups")) <= {WHO.pw_gid}
        for which in ("CapPrm", "CapEff"):
            assert status_of(f"{gate.child.pid}/task/{thread}", which) == [0]
    gate.logged_in().download("LIST")


def test_its_log_files_are_that_users(gate):
    """So they can be reopened."""
    assert gate.xferlog.stat().st_uid == WHO.pw_uid and gate.log_file.stat().st_uid == WHO.pw_uid


def test_what_cannot_be_read_any_more_refuses_the_reload(gate):
    """And changes nothing."""
    gate.config.chmod(0o600)
    gate.child.send_signal(signal.SIGHUP)
    assert gate.wait_event("reload", result="refused")
    gate.logged_in()


@pytest.mark.parametrize("name,words", [("nobody-of-that-name", "no account")])
def test_an_account_that_does_not_exist(house, tmp_path, name, words):
    settings = {"server": {"user": name}, "site": [house.site(backend={"servers": ["127.0.0.2:21"]})]}
    path = tmp_path / "gate.toml"
    path.write_text(toml.dump(settings))
    done = run_command("check", "-c", path)
    assert done.returncode == 2 and words in done.stderr and f"{path}:" in done.stderr


def test_who_is_not_root_cannot(house, tmp_path):
    """Exit 1 and the reason, not service as somebody else."""
    settings = {"server": {"user": "daemon"}, "metrics": {"listen": ""},
                "site": [house.site(backend={"servers": ["127.0.0.2:21"]})]}
    path = tmp_path / "gate.toml"
    path.write_text(toml.dump(settings))
    for name in (path, *map(pathlib.Path, (settings["site"][0]["ssl"][key] for key in ("certificate", "private_key")))):
        for place in (name, *name.parents):
            if "pytest" in str(place):
                place.chmod(place.stat().st_mode | 0o055)
    done = run_command("run", "-c", path, user="nobody", group="nogroup", extra_groups=[])
    assert done.returncode == 1 and "user_change_failed" in done.stderr
