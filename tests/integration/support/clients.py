"""Clients that people use, behind one small interface: curl, lftp and Python's ftplib. Each driver opens its sessions
through the gate; names are str (UTF-8 on the wire), contents bytes. A failure raises Failed."""
import ftplib
import io
import ssl
import subprocess
from urllib.parse import quote


class Failed(Exception):
    """The client reports an error; the text is its own."""


def call(arguments, **options):
    done = subprocess.run([str(a) for a in arguments], capture_output=True, timeout=60, **options)
    if done.returncode:
        raise Failed(done.stderr.decode("utf-8", "replace"))
    return done.stdout


class Curl:
    """A session for each operation; the OpenSSL side of Debian's curl (Q-01)."""
    resumes_uploads = True

    def __init__(self, address, authority, user, password, folder, *, implicit=False, active=None, classic=False,
                 credential=None):
        host, port = address
        host = f"[{host}]" if ":" in host else host
        self.url = f"{'ftps' if implicit else 'ftp'}://{host}:{port}/"
        self.folder = folder
        self.base = ["curl", "-sS", "-g", "--fail-early", "--cacert", authority.certificate, "--ssl-reqd", "--max-time",
                     "50", "--user", f"{user}:{password}"]
        if credential:
            self.base += ["--cert", credential.certificate, "--key", credential.key]
        if active:
            self.base += ["--ftp-port", "-"]
        if classic:
            self.base += ["--disable-eprt" if active else "--disable-epsv"]

    def _run(self, *arguments):
        return call([*self.base, *arguments])

    def _at(self, name):
        return self.url + quote(name)

    def list(self):
        return self._run("--list-only", self.url).decode().splitlines()

    def get(self, name, offset=0):
        return self._run("-C", offset, self._at(name)) if offset else self._run(self._at(name))

    def put(self, name, content, offset=0):
        path = self.folder / "upload"
        path.write_bytes(content)
        self._run(*(["-C", offset] if offset else []), "-T", path, self._at(name))

    def _quote(self, *commands):
        self._run("--list-only", "-o", "/dev/null", *(part for one in commands for part in ("-Q", one)), self.url)

    def rename(self, old, new):
        self._quote(f"RNFR {old}", f"RNTO {new}")

    def delete(self, name):
        self._quote(f"DELE {name}")

    def mkdir(self, name):
        self._quote(f"MKD {name}")

    def rmdir(self, name):
        self._quote(f"RMD {name}")

    def put_many(self, contents):
        """One session: curl keeps its connection from one file to the next. Under TLS 1.3 it uses each ticket once and
        does not wait for the next before it ends a small upload, so that it has none left (curl/curl#4654)."""
        arguments = ["--tls-max", "1.2"]
        for number, (name, content) in enumerate(contents.items()):
            path = self.folder / f"many{number}"
            path.write_bytes(content)
            arguments += ["-T", path, self._at(name)]
        self._run(*arguments)

    def get_many(self, names):
        arguments = []
        for number, name in enumerate(names):
            arguments += ["-o", self.folder / f"got{number}", self._at(name)]
        self._run(*arguments)
        return [(self.folder / f"got{number}").read_bytes() for number in range(len(names))]


class Lftp:
    """A session for each operation; GnuTLS (Q-02)."""
    resumes_uploads = True

    def __init__(self, address, authority, user, password, folder, *, implicit=False, active=None, classic=False,
                 credential=None):
        host, port = address
        self.folder = folder
        own = []
        if credential:
            own = [f"set ssl:cert-file {credential.certificate}", f"set ssl:key-file {credential.key}"]
        self.start = "; ".join([
            *own,
            f"set ssl:ca-file {authority.certificate}", "set ssl:check-hostname no", "set ftp:ssl-force yes",
                                "set ftp:ssl-protect-data yes",
            f"set ftp:passive-mode {'no' if active else 'yes'}", f"set ftp:prefer-epsv {'no' if classic else 'yes'}",
                                "set net:max-retries 1", "set net:timeout 15",
            "set net:reconnect-interval-base 1", "set xfer:clobber yes", "set cmd:fail-exit yes", "set ftp:use-mdtm no",
                                "set ftp:charset UTF-8", "set file:charset UTF-8",
            f"open -u {quoted(user)},{quoted(password)} -p {port} {'ftps' if implicit else 'ftp'}://{host}"])

    def _run(self, *commands):
        return call(["lftp", "--norc", "-c", "; ".join([self.start, *commands])],
                    env={"LC_ALL": "C.UTF-8", "HOME": str(self.folder), "PATH": "/usr/bin:/bin"})

    def list(self):
        return self._run("cls -a -1 --sort=name").decode().splitlines()

    def get(self, name, offset=0):
        path = self.folder / "download"
        path.write_bytes(b"?" * offset)
        self._run(f"get {'-c ' if offset else ''}{plain(name)} -o {quoted(path)}")
        return path.read_bytes()[offset:]

    def put(self, name, content, offset=0):
        path = self.folder / "upload"
        path.write_bytes(content)
        self._run(f"put {'-c ' if offset else ''}{quoted(path)} -o {plain(name)}")

    def rename(self, old, new):
        self._run(f"mv {plain(old)} {plain(new)}")

    def delete(self, name):
        self._run(f"rm {plain(name)}")

    def mkdir(self, name):
        self._run(f"mkdir {plain(name)}")

    def rmdir(self, name):
        self._run(f"rmdir {plain(name)}")

    def put_many(self, contents):
        commands = []
        for number, (name, content) in enumerate(contents.items()):
            path = self.folder / f"many{number}"
            path.write_bytes(content)
            commands.append(f"put {quoted(path)} -o {plain(name)}")
        self._run(*commands)

    def get_many(self, names):
        paths = [self.folder / f"got{number}" for number in range(len(names))]
        for path in paths:
            path.unlink(missing_ok=True)
        self._run(*(f"get {plain(name)} -o {quoted(path)}" for name, path in zip(names, paths)))
        return [path.read_bytes() for path in paths]


def quoted(word):
    return '"' + str(word).replace("\\", "\\\\").replace('"', '\\"') + '"'


def plain(name):
    """A remote name that lftp takes for a name, not for an option."""
    return quoted(f"./{name}" if name.startswith("-") else name)


class Reusing(ftplib.FTP_TLS):
    """ftplib does not resume the control session on data connections (Q-08); this one does."""
    reuse = True

    def ntransfercmd(self, cmd, rest=None):
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        if self._prot_p:
            conn = self.context.wrap_socket(conn, server_hostname=self.host,
                                            session=self.sock.session if self.reuse else None)
        return conn, size


class FtpLib:
    """One session for all operations."""
    resumes_uploads = True

    def __init__(self, address, authority, user, password, _folder, *, implicit=False, active=None, classic=False,
                 encoding="utf-8", reuse=True, credential=None):
        assert not implicit, "ftplib is explicit only"
        context = ssl.create_default_context(cafile=authority.certificate)
        context.check_hostname = False
        if credential:
            context.load_cert_chain(credential.certificate, credential.key)
        self.ftp = Reusing(context=context, encoding=encoding, timeout=30)
        self.ftp.reuse = reuse
        self.ftp.connect(*address)
        try:
            self.ftp.login(user, password)
            self.ftp.prot_p()
        except ftplib.all_errors as fault:
            self.ftp.close()
            raise Failed(str(fault)) from None
        self.ftp.set_pasv(not active)
        if classic and not active:
            self.ftp.trust_server_pasv_ipv4_address = True

    def close(self):
        self.ftp.close()

    def list(self):
        return self.ftp.nlst()

    def get(self, name, offset=0):
        out = io.BytesIO()
        self.ftp.retrbinary(f"RETR {name}", out.write, rest=offset or None)
        return out.getvalue()

    def put(self, name, content, offset=0):
        self.ftp.storbinary(f"STOR {name}", io.BytesIO(content[offset:]), rest=offset or None)

    def rename(self, old, new):
        self.ftp.rename(old, new)

    def delete(self, name):
        self.ftp.delete(name)

    def mkdir(self, name):
        self.ftp.mkd(name)

    def rmdir(self, name):
        self.ftp.rmd(name)

    def put_many(self, contents):
        for name, content in contents.items():
            self.put(name, content)

    def get_many(self, names):
        return [self.get(name) for name in names]


DRIVERS = {"curl": (Curl, False), "curl-implicit": (Curl, True), "lftp": (Lftp, False), "lftp-implicit": (Lftp, True),
           "ftplib": (FtpLib, False)}


def driver(kind, gate, backend, folder, **options):
    """The client `kind` with a login at `backend` through `gate`."""
    made, implicit = DRIVERS[kind]
    address = gate.address("implicit" if implicit else "explicit")
    login = {"user": backend.user, "password": backend.password,
             **{k: options.pop(k) for k in ("user", "password") if k in options}}
    client = made(address, gate.authority, login["user"], login["password"], folder, implicit=implicit, **options)
    if hasattr(client, "close"):
        gate.clients.append(client)
    return client
