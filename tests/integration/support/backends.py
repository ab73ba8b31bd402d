"""The real FTP servers behind the gate, plain FTP on a kernel-chosen port, each with a root folder of its own.

They listen on 127.0.0.2, so that a backend's address can be told from the gate's in what a client sees (A-032)."""
import grp
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile

import pytest

from . import process
from .wait import wait_until

KINDS = ("vsftpd", "proftpd", "pure-ftpd", "pyftpdlib")
ADDRESS = {4: "127.0.0.2", 6: "::1"}
NOBODY = 65534


class Backend:
    """A running server: `address` ("127.0.0.2:2121"), `root` (its files), and a login that works."""
    user, password = "alice", "wonder land"
    refused_user = "alice"      # with another password
    runs_as_root = True         # when the suite does

    def __init__(self, cache, family=4, where=None, login=None):
        """`where`: (host, port) in a network of its own, where the port is free; `login`: user and password, if the
        server can have another than its own."""
        self.cache, self.kind = pathlib.Path(cache), next(name for name, one in CLASSES.items() if one is type(self))
        self.host, self.given_port = where or (ADDRESS[family], None)
        self.user, self.password = login or (self.user, self.password)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ftpsgate-backend-"))
        self.root = self.folder / "root"
        self.root.mkdir()
        os.chmod(self.folder, 0o755)
        os.chmod(self.root, 0o777)
        self.uid, self.gid = (NOBODY, NOBODY) if os.getuid() == 0 else (os.getuid(), os.getgid())
        self.child = None
        for _ in range(5):      # a port that the probe found free can be gone a moment later
            if self._try_start():
                return
        raise RuntimeError(f"{type(self).__name__} does not start: {self.log()}")

    @property
    def address(self):
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def stop(self):
        if self.child:
            process.end(self.child)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _try_start(self):
        self.port = self.given_port or process.free_port(self.host)
        root = self.cache / "root"
        libraries = self._libraries(root)
        with open(self.folder / "log", "w") as log:
            user = {} if self.runs_as_root or os.getuid() else {"user": self.uid, "group": self.gid, "extra_groups": []}
            self.child = process.start(self.command(root), stdout=log, stderr=log, **user,
                                       env={**os.environ, "LD_LIBRARY_PATH": libraries})
        wait_until(lambda: self._greets() or self.child.poll() is not None, f"{type(self).__name__} listens")
        return self.child.poll() is None

    def _greets(self):
        try:
            with socket.create_connection((self.host, self.port), timeout=5) as probe:
                return probe.recv(3) == b"220"
        except OSError:
            return False

    def _libraries(self, root):
        """Where the loader finds what was unpacked: a copy, as the cache may be closed to other users."""
        folder = self.folder / "lib"
        if not folder.exists():
            for unpacked in [*root.glob("usr/lib/*-linux-gnu*"), *root.glob("lib/*-linux-gnu*")]:
                shutil.copytree(unpacked, folder, symlinks=True, dirs_exist_ok=True)
        return str(folder)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path


class Vsftpd(Backend):
    """Anonymous with uploads: local users would need a file in the system's /etc/pam.d. It refuses a writable root
    folder inside its chroot, so it runs as an ordinary user, without one."""
    user, password, refused_user = "anonymous", "somebody@example.com", "alice"
    runs_as_root = False

    def command(self, root):
        empty = self.folder / "empty"
        empty.mkdir(exist_ok=True)
        listen = "listen=NO\nlisten_ipv6=YES\nlisten_address6" if ":" in self.host else "listen=YES\nlisten_address"
        conf = self.write("vsftpd.conf", f"""{listen}={self.host}
listen_port={self.port}
run_as_launching_user=YES
ftp_username={pwd.getpwuid(self.uid).pw_name}
background=NO
anonymous_enable=YES
local_enable=NO
secure_chroot_dir={empty}
anon_root={self.root}
write_enable=YES
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable=YES
anon_umask=022
anon_world_readable_only=NO
delay_failed_login=0
port_enable=YES
connect_from_port_20=NO
isolate=NO
isolate_network=NO
seccomp_sandbox=NO
xferlog_enable=NO
use_localtime=NO
""")
        os.chown(conf, self.uid, self.gid)
        return [shutil.copy(root / "usr/sbin/vsftpd", self.folder), conf]


class Proftpd(Backend):
    """A virtual user from an AuthUserFile, file names as bytes."""

    def command(self, root):
        crypted = subprocess.run(["openssl", "passwd", "-6", self.password], capture_output=True,
                                 text=True).stdout.strip()
        passwd = self.write("passwd", f"{self.user}:{crypted}:{self.uid}:{self.gid}::{self.root}:/bin/sh\n")
        os.chmod(passwd, 0o600)
        chroot = "" if os.getuid() else "DefaultRoot ~"
        conf = self.write("proftpd.conf", f"""ServerName test
ServerType standalone
DefaultAddress {self.host}
SocketBindTight on
Port {self.port}
UseIPv6 {"on" if ":" in self.host else "off"}
{chroot}
User {pwd.getpwuid(self.uid).pw_name}
Group {grp.getgrgid(self.gid).gr_name}
UseReverseDNS off
WtmpLog off
TransferLog none
SystemLog {self.folder}/system.log
PidFile {self.folder}/pid
ScoreboardFile {self.folder}/scoreboard
DelayTable {self.folder}/delay
RequireValidShell off
AuthUserFile {passwd}
AuthOrder mod_auth_file.c
AllowOverwrite on
AllowStoreRestart on
AllowRetrieveRestart on
<IfModule mod_delay.c>
DelayEngine off
</IfModule>
<IfModule mod_ctrls.c>
ControlsEngine off
</IfModule>
<IfModule mod_lang.c>
UseEncoding off
</IfModule>
""")
        return [root / "usr/sbin/proftpd", "-n", "-q", "-c", conf]


class PureFtpd(Backend):
    """A virtual user from a puredb; the server insists on root."""

    def command(self, root):
        if os.getuid():
            pytest.skip("pure-ftpd needs root")
        crypted = subprocess.run(["openssl", "passwd", "-1", self.password], capture_output=True,
                                 text=True).stdout.strip()
        passwd = self.write("passwd", f"{self.user}:{crypted}:{self.uid}:{self.gid}::{self.root}/./::::::::::::\n")
        users = self.folder / "users.pdb"
        subprocess.run([root / "usr/bin/pure-pw", "mkdb", users, "-f", passwd], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "LD_LIBRARY_PATH": self._libraries(root)})
        return [root / "usr/sbin/pure-ftpd", "-S", f"{self.host},{self.port}", "-l", f"puredb:{users}", "-u", "100",
                "-E", "-H", "-D", "-c", "500", "-C", "500", "-g", self.folder / "pid"]


class Pyftpdlib(Backend):
    """Asynchronous, connects to its client as soon as it gets PORT (Q-34)."""

    def _try_start(self):
        program = pathlib.Path(__file__).with_name("pyftpd_server.py")
        with open(self.folder / "log", "w") as log:
            self.child = process.start([sys.executable, program, self.host, self.root, self.user, self.password],
                                       stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.child.stdout.readline().strip()
        self.port = int(line) if line else 0
        return bool(self.port)


CLASSES = {"vsftpd": Vsftpd, "proftpd": Proftpd, "pure-ftpd": PureFtpd, "pyftpdlib": Pyftpdlib}


class Backends:
    """Starts each kind once, when it is first asked for."""

    def __init__(self, cache):
        self.cache, self.running, self.fetched = pathlib.Path(cache), {}, None

    def of(self, kind, family=4):
        if (kind, family) not in self.running:
            if kind != "pyftpdlib":
                self.fetch()
            self.running[kind, family] = CLASSES[kind](self.cache, family)
        return self.running[kind, family]

    def stop(self):
        for backend in self.running.values():
            backend.stop()

    def fetch(self):
        """Skips the test where that is impossible."""
        if self.fetched is None:
            script = pathlib.Path(__file__).parent.parent / "fetch_backends"
            self.fetched = subprocess.run([script, self.cache], capture_output=True, text=True)
        if self.fetched.returncode:
            pytest.skip(f"the servers cannot be fetched: {self.fetched.stderr.strip()[-200:]}")
