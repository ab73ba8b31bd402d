"""The Debian package: made by cpack, installed into a copy of this system that is thrown away, run there, removed."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from support import process
from support.gate import binary
from support.wait import wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting takes root")


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """Of the build that is tested."""
    folder = tmp_path_factory.mktemp("package")
    done = subprocess.run(["cpack", "--config", binary().parent / "CPackConfig.cmake", "-B", folder],
                          capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    found = list(folder.glob("ftpsgate_*.deb"))
    assert len(found) == 1, list(folder.iterdir())
    return found[0]


@pytest.fixture
def system(tmp_path):
    """The root of a system: this one, and what is changed goes into memory."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", tmp_path], check=True)
    for name in ("upper", "work", "root"):
        (tmp_path / name).mkdir()
    root = tmp_path / "root"
    try:
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                        f"lowerdir=/,upperdir={tmp_path}/upper,workdir={tmp_path}/work", root], check=True)
        subprocess.run(["mount", "--rbind", "/dev", root / "dev"], check=True)
        subprocess.run(["mount", "-t", "proc", "proc", root / "proc"], check=True)
        yield root
    finally:
        for place in (root / "proc", root / "dev", root, tmp_path):
            subprocess.run(["umount", "--lazy", place], capture_output=True)


def inside(root, *command, ok=True):
    done = subprocess.run(["chroot", root, *command], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"})
    assert done.returncode == 0 or not ok, f"{command}: {done.stdout}{done.stderr}"
    return done


def test_what_is_in_it(package):
    fields = subprocess.run(["dpkg-deb", "--field", package], capture_output=True, text=True, check=True).stdout
    for needed in ("android-libboringssl", "libc6", "libldap-2.5-0", "libsystemd0", "adduser", "openssl"):
        assert re.search(rf"^Depends:.*\b{needed}\b", fields, re.M), fields
    listing = subprocess.run(["dpkg-deb", "--contents", package], capture_output=True, text=True, check=True).stdout
    for path in ("./usr/bin/ftpsgate", "./etc/ftpsgate/ftpsgate.toml", "./lib/systemd/system/ftpsgate.service",
                 "./lib/systemd/system/ftpsgate.socket", "./etc/logrotate.d/ftpsgate"):
        assert re.search(rf" {re.escape(path)}$", listing, re.M), listing


def test_install_run_remove(package, system):
    """The shipped configuration is accepted as it is; the account exists; the gate serves; nothing is left at the end."""
    shutil.copy(package, system / "tmp/ftpsgate.deb")
    inside(system, "dpkg", "--install", "/tmp/ftpsgate.deb")
    assert "OK: 1 site" in inside(system, "ftpsgate", "check").stdout
    assert inside(system, "id", "-un", "ftpsgate").stdout.strip() == "ftpsgate"
    key = (system / "etc/ftpsgate/server.key").stat()
    assert key.st_mode & 0o777 == 0o640 and key.st_uid == 0
    serve_as_account(system)
    # An upgrade keeps what the administrator changed, and the key.
    config = system / "etc/ftpsgate/ftpsgate.toml"
    config.write_text(config.read_text() + "# mine\n")
    before = (system / "etc/ftpsgate/server.key").read_bytes()
    inside(system, "dpkg", "--install", "/tmp/ftpsgate.deb")
    assert config.read_text().endswith("# mine\n") and (system / "etc/ftpsgate/server.key").read_bytes() == before
    inside(system, "dpkg", "--remove", "ftpsgate")
    assert config.exists() and not (system / "usr/bin/ftpsgate").exists()
    inside(system, "dpkg", "--purge", "ftpsgate")
    for path in ("etc/ftpsgate", "etc/logrotate.d/ftpsgate", "lib/systemd/system/ftpsgate.service", "var/cache/ftpsgate"):
        assert not (system / path).exists(), path


def serve_as_account(system):
    """By hand, with server.user, on ports that the kernel chooses."""
    text = (system / "etc/ftpsgate/ftpsgate.toml").read_text()
    text = re.sub(r'"0\.0\.0\.0:\d+"', '"127.0.0.1:0"', text).replace('#listen = "127.0.0.1:9921"', 'listen = ""')
    text = text.replace('#user = ""', 'user = "ftpsgate"')
    (system / "etc/ftpsgate/other.toml").write_text(text)
    (system / "etc/ftpsgate/other.toml").chmod(0o644)
    log = system / "tmp/log"
    with log.open("w") as out:
        child = process.start(["chroot", system, "ftpsgate", "run", "-c", "/etc/ftpsgate/other.toml"], stdout=out,
                              stderr=out)
        try:
            wait_until(lambda: child.poll() is not None or "ready" in log.read_text(), "the gate is ready", 20)
            assert child.poll() is None, log.read_text()
            owner = pathlib.Path(f"/proc/{child.pid}").stat().st_uid
            assert str(owner) == inside(system, "id", "-u", "ftpsgate").stdout.strip()
            child.terminate()
            assert child.wait(20) == 0, log.read_text()
        finally:
            process.end(child)
    (system / "etc/ftpsgate/other.toml").unlink()
