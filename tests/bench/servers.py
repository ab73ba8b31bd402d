"""How the gate, its backend and the peers are started: each on 127.0.0.1, on a port that the kernel chose, in a folder
of its own, with the binaries that tests/integration/fetch_backends unpacked."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

from accounts import Account

HOST = "127.0.0.1"
PATIENCE = 20           # seconds for a server to start or to end


class CannotStart(Exception):
    pass


def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


class Place:
    """What servers share: the folder of this run, where packages were unpacked, the certificate, the files to serve."""

    def __init__(self, folder, backends, peers, gate):
        self.folder, self.backends, self.peers, self.gate = pathlib.Path(folder), backends, peers, gate
        self.files, self.uploads = self.folder / "files", self.folder / "files" / "up"
        self.uploads.mkdir(parents=True)
        os.chmod(self.folder, 0o755)
        os.chmod(self.uploads, 0o777)
        self.certificate, self.key = self.folder / "server.pem", self.folder / "server.key"
        subprocess.run(["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-keyout", self.key, "-out", self.certificate, "-days", "30", "-subj", "/CN=localhost"],
                       check=True, stderr=subprocess.DEVNULL)
        self.both = self.folder / "both.pem"
        self.both.write_text(self.certificate.read_text() + self.key.read_text())


class Server:
    """`port`, `account`; `behind`: what it stands in front of. A subclass has `name` and command()."""
    name = ""
    count = 0

    def __init__(self, place, behind=None):
        self.place, self.behind, self.child = place, behind, None
        Server.count += 1
        self.folder = place.folder / f"{self.name}-{Server.count}"
        self.folder.mkdir()
        self.account = Account(f"{self.name}-{Server.count}")
        try:
            for _ in range(3):      # a port that was free can be gone a moment later
                if self._try_start():
                    return
            raise CannotStart(f"{self.name}: {self._log()[-600:].strip() or 'it ends at once'}")
        except OSError as error:
            raise CannotStart(f"{self.name}: {error}") from error
        except CannotStart:
            self.stop()
            raise

    def command(self):
        raise NotImplementedError

    def packages(self):
        """Where its binary was unpacked."""
        return self.place.peers

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def _log(self):
        return (self.folder / "log").read_text(errors="replace")

    def _try_start(self):
        self.port = free_port()
        command = list(map(str, self.command()))
        environment = dict(os.environ)
        if self.packages():
            libraries = [*self.packages().glob("usr/lib/*-linux-gnu*"), *self.packages().glob("lib/*-linux-gnu*")]
            environment["LD_LIBRARY_PATH"] = ":".join(map(str, libraries))
        # With these ProFTPD would read the system's CA certificates anew in each session.
        for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF"):
            environment.pop(name, None)
        with open(self.folder / "log", "w") as log:
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                                          cwd=self.folder, start_new_session=True, preexec_fn=self.account.enter)
        self.account.started(self.child.pid)
        give_up = time.monotonic() + PATIENCE
        while self.child.poll() is None and time.monotonic() < give_up:
            if self.is_up():
                return True
            time.sleep(0.05)
        return False

    def is_up(self):
        try:
            socket.create_connection((HOST, self.port), timeout=5).close()
            return True
        except OSError:
            return False

    def stop(self):
        """Its whole process group, and whoever of its cgroup left that."""
        if self.child is None:
            return
        left = self.account.pids() if self.child.poll() is None or self.account.group else []
        for number, patience in ((signal.SIGTERM, PATIENCE), (signal.SIGKILL, PATIENCE)):
            try:
                os.killpg(self.child.pid, number)
            except ProcessLookupError:
                pass
            give_up = time.monotonic() + patience
            while time.monotonic() < give_up:
                self.child.poll()
                left = [pid for pid in left if os.path.exists(f"/proc/{pid}") and pid in self.account.pids()]
                if not left:
                    break
                time.sleep(0.05)
            for pid in left:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
        self.child.wait()
        self.account.close()


class Vsftpd(Server):
    """The plain FTP server behind the gate and ProFTPD."""
    name = "backend"

    def packages(self):
        return self.place.backends

    def command(self):
        empty = self.folder / "empty"
        empty.mkdir(exist_ok=True)
        root = os.getuid() == 0
        conf = self.write("vsftpd.conf", f"""listen=YES
listen_address={HOST}
listen_port={self.port}
background=NO
anonymous_enable=YES
local_enable=NO
{"ftp_username=daemon" if root else "run_as_launching_user=YES"}
nopriv_user=nobody
one_process_model={"YES" if root else "NO"}
secure_chroot_dir={empty}
anon_root={self.place.files}
allow_writeable_chroot=YES
write_enable=YES
anon_upload_enable=YES
anon_other_write_enable=YES
anon_umask=022
anon_world_readable_only=NO
isolate=NO
isolate_network=NO
seccomp_sandbox=NO
max_clients=0
max_per_ip=0
xferlog_enable=NO
idle_session_timeout=3600
use_localtime=NO
""")
        return [self.packages() / "usr/sbin/vsftpd", conf]


class Gate(Server):
    name = "ftpsgate"

    def packages(self):
        return None

    def command(self):
        conf = self.write("ftpsgate.toml", f"""[log]
level = "error"
[metrics]
listen = ""
[[site]]
name = "localhost"
listen = [ {{ address = "{HOST}:{self.port}", tls = "explicit" }} ]
[site.ssl]
certificate = "{self.place.certificate}"
private_key = "{self.place.key}"
[site.backend]
servers = ["{HOST}:{self.behind.port}"]
[site.limits]
sessions = 20000
sessions_per_client = 20000
idle_timeout = "1h"
""")
        return [self.place.gate, "run", "-c", conf]


class ProftpdProxy(Server):
    """ProFTPD with mod_proxy as reverse proxy: the one other that speaks FTP on both sides. Tuned: no logs, no delays,
    no DNS; a TLSCACertificateFile, without which each session would read the system's CA certificates (25 ms)."""
    name = "proftpd"

    def command(self):
        modules = self.packages() / "usr/lib/proftpd"
        conf = self.write("proftpd.conf", f"""ModulePath {modules}
LoadModule mod_tls.c
LoadModule mod_proxy.c
ServerName bench
ServerType standalone
DefaultAddress {HOST}
SocketBindTight on
Port {self.port}
User nobody
Group nogroup
UseIPv6 off
UseReverseDNS off
MaxInstances none
TimeoutIdle 3600
TimeoutNoTransfer 3600
WtmpLog off
TransferLog none
SystemLog none
PidFile {self.folder}/pid
ScoreboardFile {self.folder}/scoreboard
ScoreboardScrub off
<IfModule mod_delay.c>
  DelayEngine off
</IfModule>
<IfModule mod_ctrls.c>
  ControlsEngine off
</IfModule>
TLSEngine on
TLSLog none
TLSProtocol TLSv1.2 TLSv1.3
TLSCACertificateFile {self.place.certificate}
TLSECCertificateFile {self.place.certificate}
TLSECCertificateKeyFile {self.place.key}
TLSRequired on
TLSVerifyClient off
TLSRenegotiate none
ProxyEngine on
ProxyRole reverse
ProxyTables {self.folder}/proxy
ProxyReverseServers ftp://{HOST}:{self.behind.port}
ProxyTLSEngine off
ProxyDataTransferPolicy PASV
ProxyLog none
""")
        return [self.packages() / "usr/sbin/proftpd", "-n", "-q", "-c", conf]


class Haproxy(Server):
    """TLS only, no FTP; the buffer size of its better figures."""
    name = "haproxy"

    def command(self):
        conf = self.write("haproxy.cfg", f"""global
  maxconn 9000
  nbthread 1
  tune.bufsize 262144
defaults
  mode tcp
  timeout connect 10s
  timeout client 300s
  timeout server 300s
frontend clients
  bind {HOST}:{self.port} ssl crt {self.place.both} ssl-min-ver TLSv1.2
  default_backend servers
backend servers
  server one {HOST}:{self.behind.port}
""")
        return [self.packages() / "usr/sbin/haproxy", "-db", "-q", "-f", conf]


class Nginx(Server):
    """TLS only, no FTP; the buffer size of its better figures."""
    name = "nginx"

    def command(self):
        module = self.packages() / "usr/lib/nginx/modules/ngx_stream_module.so"
        conf = self.write("nginx.conf", f"""load_module {module};
daemon off;
worker_processes 1;
pid {self.folder}/pid;
error_log {self.folder}/errors warn;
events {{ worker_connections 18000; }}
stream {{
  server {{
    listen {HOST}:{self.port} ssl;
    ssl_certificate {self.place.certificate};
    ssl_certificate_key {self.place.key};
    ssl_protocols TLSv1.2 TLSv1.3;
    proxy_buffer_size 256k;
    proxy_timeout 300s;
    proxy_pass {HOST}:{self.behind.port};
  }}
}}
""")
        return [self.packages() / "usr/sbin/nginx", "-e", f"{self.folder}/errors", "-c", conf]


class Source:
    """The plain source and sink of bytes behind TLS relays; it serves the same file as the backend."""

    def __init__(self, place, load):
        self.child = subprocess.Popen([load, "serve", f"file={place.files / 'big'}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.child.stdout.readline())

    def stop(self):
        self.child.stdin.close()
        self.child.wait()


FTP_PEERS = {"proftpd": ProftpdProxy}
RELAY_PEERS = {"haproxy": Haproxy, "nginx": Nginx}


class Crew:
    """Starts each server when it is first needed. One that does not start is told of once and done without."""

    def __init__(self, place, load, say):
        self.place, self.load, self.say = place, load, say
        self.running, self.missing = {}, {}

    def of(self, name):
        """The server, or None."""
        if name not in self.running and name not in self.missing:
            try:
                self.running[name] = self._start(name)
            except CannotStart as trouble:
                self.missing[name] = str(trouble)
                self.say(f"goes on without {name}: {trouble}")
        return self.running.get(name)

    def _start(self, name):
        if name == "backend":
            return Vsftpd(self.place)
        if name == "source":
            return Source(self.place, self.load)
        kind = {"ftpsgate": Gate, **FTP_PEERS, **RELAY_PEERS}[name]
        behind = self.of("source" if name in RELAY_PEERS else "backend")
        if behind is None:
            raise CannotStart("there is nothing to put behind it")
        return kind(self.place, behind)

    def renew(self, name):
        """A fresh one, for figures that begin at nothing."""
        old = self.running.pop(name, None)
        if old:
            old.stop()
        return self.of(name)

    def stop(self):
        for server in reversed(self.running.values()):
            server.stop()
        shutil.rmtree(self.place.folder, ignore_errors=True)
