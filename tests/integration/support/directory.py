"""Real directories: Samba as an Active Directory domain controller, and slapd for what Samba cannot show. Both with
certificates of a CA of their own. For the fixtures, a test file says
`pytest_plugins = ["support.directory_fixtures"]`; a session of tests provisions once (some ten seconds).

Samba's LDAP ports are fixed, so each domain controller has a loopback address to itself."""
import base64
import ipaddress
import os
import random
import shutil
import socket
import subprocess

from cryptography import x509

from . import process
from .client_pki import SERVER, Credential, issue, root
from .wait import wait_until

BASE = "DC=example,DC=test"
PEOPLE = f"CN=Users,{BASE}"
ADMINISTRATOR, ADMIN_PASSWORD = f"CN=Administrator,{PEOPLE}", "Passw0rd.Admin"
SERVICE, SERVICE_PASSWORD = "svc-ftpsgate@example.test", "Passw0rd.Service"
LOCK_THRESHOLD = 3


def ldif(dn, **attributes):
    """An entry; values are text, bytes, or lists of them. "changetype" and the like come first."""
    def line(name, value):
        data = value if isinstance(value, bytes) else str(value).encode()
        return f"{name}:: {base64.b64encode(data).decode()}"
    lines = [line("dn", dn)]
    for name, values in attributes.items():
        for value in values if isinstance(values, (list, tuple)) else [values]:
            lines.append(f"{name}: {value}" if name in ("changetype", "replace") else line(name, value))
    return "\n".join(lines) + "\n\n"


def unused_address():
    """A loopback address on which nobody listens on 389 and 636."""
    for _ in range(100):
        address = "127.{}.{}.{}".format(*(random.randint(2, 250) for _ in range(3)))
        try:
            for port in (389, 636):
                with socket.socket() as probe:
                    probe.bind((address, port))
            return address
        except OSError:
            continue
    raise AssertionError("an LDAP server of this machine listens on all addresses")


class Server:
    """What both have in common: TLS files, LDIF in, and the end."""
    admin, password = ADMINISTRATOR, ADMIN_PASSWORD

    def __init__(self, folder, address):
        self.folder, self.address, self.child = folder, address, None
        folder.mkdir(parents=True)
        self.ca = root("directory CA")
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(self.ca.pem)
        self.tls = self.certificate(self.ca)
        self.trust = {"LDAPTLS_CACERT": str(self.ca_file)}  # for the tools of ldap-utils

    def certificate(self, issuer, address=None, **wishes):
        """Certificate and key for `address` (this server's own)."""
        names = [x509.IPAddress(ipaddress.ip_address(address or self.address))]
        made = issue(issuer, "directory", eku=(SERVER,), more=[(x509.SubjectAlternativeName(names), False)], **wishes)
        credential = Credential(self.folder, made)
        credential.key.chmod(0o600)
        return credential

    def run(self, command, text):
        done = subprocess.run([command, "-x", "-H", self.url, "-D", self.admin, "-w", self.password], input=text,
                              capture_output=True, text=True, timeout=30,
                              env={**os.environ, **self.trust})
        assert done.returncode == 0, f"{command}: {done.stderr}\n{text}"

    def modify(self, dn, name, value):
        self.run("ldapmodify", ldif(dn, changetype="modify", replace=name, **{name: value}))

    def answers(self):
        assert self.child.poll() is None, f"ended: {self.log.read_text(errors='replace')[-2000:]}"
        done = subprocess.run(["ldapsearch", "-x", "-LLL", "-H", self.url, "-s", "base", "-b", "", "1.1"],
                              capture_output=True, timeout=30,
                              env={**os.environ, **self.trust})
        return done.returncode == 0

    def start(self):
        self.log = self.folder / "log"
        with open(self.log, "w") as log:
            self.child = process.start(self.command, stdout=log, stderr=log)
        wait_until(self.answers, f"{self.command[0]} answers", 60)
        return self

    def stop(self):
        if self.child:
            process.end(self.child)
            self.child = None


class DomainController(Server):
    """Administrator, and svc-ftpsgate@example.test as which the gate looks things up."""

    def __init__(self, folder):
        super().__init__(folder, unused_address())
        self.url = f"ldaps://{self.address}"
        self.tree = folder / "dc"
        self._provision()
        self.command = ["samba", "-i", "-M", "single", "--debug-stdout", "-s", self.config]

    def _provision(self):
        self._tool("domain", "provision", "--realm=EXAMPLE.TEST", "--domain=EXAMPLE", "--server-role=dc",
                   "--dns-backend=NONE", f"--adminpass={ADMIN_PASSWORD}", f"--targetdir={self.tree}",
                   "--host-name=dc1", f"--host-ip={self.address}", f"--option=interfaces={self.address}/8",
                   "--option=bind interfaces only=yes")
        self.config = self.tree / "etc" / "smb.conf"
        wanted = {"server services": "ldap", "tls enabled": "yes", "tls certfile": self.tls.certificate,
                  "tls keyfile": self.tls.key, "tls cafile": self.ca_file, "log file": self.folder / "log.%m",
                  "pid directory": self.folder}     # two of them may run at once
        lines = [line for line in self.config.read_text().splitlines() if line.partition("=")[0].strip() not in wanted]
        where = lines.index("[global]") + 1
        lines[where:where] = [f"\t{name} = {value}" for name, value in wanted.items()]
        self.config.write_text("\n".join(lines) + "\n")
        database = f"--URL={self.tree}/private/sam.ldb"
        self._tool("domain", "passwordsettings", "set", f"--account-lockout-threshold={LOCK_THRESHOLD}", database)
        self._tool("user", "create", "svc-ftpsgate", SERVICE_PASSWORD, database)

    def _tool(self, *arguments):
        done = subprocess.run(["samba-tool", *arguments], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"samba-tool {arguments}: {done.stdout}{done.stderr}"

    def add(self, name, **attributes):
        """An account with a password of its own. Returns its DN."""
        dn = f"CN={name},{PEOPLE}"
        self.run("ldapadd", ldif(dn, objectClass="user", sAMAccountName=name, userAccountControl=512,
                                 unicodePwd='"Passw0rd.{}"'.format(name).encode("utf-16-le"), **attributes))
        return dn

    def remove(self, *dns):
        self.run("ldapmodify", "".join(ldif(dn, changetype="delete") for dn in dns))

    def sid(self, dn):
        done = subprocess.run(["ldapsearch", "-x", "-LLL", "-o", "ldif-wrap=no", "-H", self.url, "-D", self.admin, "-w",
                               self.password, "-s", "base", "-b", dn, "objectSid"], capture_output=True, text=True,
                              timeout=30, env={**os.environ, **self.trust})
        data = base64.b64decode(done.stdout.partition("objectSid:: ")[2].split("\n")[0])
        parts = [int.from_bytes(data[at:at + 4], "little") for at in range(8, len(data), 4)]
        return "-".join(["S-1", str(int.from_bytes(data[2:8], "big")), *map(str, parts)])

    def lock(self, dn):
        """By wrong passwords, as an attacker would."""
        for _ in range(LOCK_THRESHOLD + 1):
            subprocess.run(["ldapwhoami", "-x", "-H", self.url, "-D", dn, "-w", "wrong"], capture_output=True,
                           timeout=30, env={**os.environ, **self.trust})


# Active Directory's attributes, as far as the gate looks at them, with rules that let anything be stored.
SCHEMA = """
attributetype ( 1.2.840.113556.1.4.867 NAME 'altSecurityIdentities' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.2.840.113556.1.4.221 NAME 'sAMAccountName' EQUALITY octetStringMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )
attributetype ( 1.2.840.113556.1.4.8 NAME 'userAccountControl' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 )
attributetype ( 1.2.840.113556.1.4.656 NAME 'userPrincipalName' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
objectclass ( 1.2.840.113556.1.5.9 NAME 'user' SUP person STRUCTURAL
  MAY ( altSecurityIdentities $ sAMAccountName $ userAccountControl $ userPrincipalName ) )
"""


class Slapd(Server):
    """An LDAP server with entries that Active Directory would not hold, at any port. `url` is ldaps://, `plain_url`
    ldap:// for StartTLS. DC=elsewhere is another server's."""
    base = "dc=example,dc=test"
    admin, password = f"cn=gate,{base}", "slapd-password"

    def __init__(self, folder, *, tls=None, elsewhere="ldap://127.0.0.1:1/"):
        super().__init__(folder, "127.0.0.1")
        self.tls = tls(self) if tls else self.tls
        self.elsewhere = elsewhere
        self.entries = 0
        self._configure()

    def _configure(self):
        (self.folder / "data").mkdir()
        (self.folder / "ad.schema").write_text(SCHEMA)
        config = self.folder / "slapd.conf"
        config.write_text(f"""
include /etc/ldap/schema/core.schema
include {self.folder}/ad.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {self.folder}/pid
TLSCACertificateFile {self.ca_file}
TLSCertificateFile {self.tls.certificate}
TLSCertificateKeyFile {self.tls.key}
referral {self.elsewhere}
database mdb
directory {self.folder}/data
maxsize 67108864
suffix {self.base}
rootdn {self.admin}
rootpw {self.password}
""")
        # A copy, as an AppArmor profile of the real one would keep it out of the test's folder.
        shutil.copy("/usr/sbin/slapd", self.folder / "slapd")
        ports = [process.free_port(self.address) for _ in range(2)]
        self.url, self.plain_url = f"ldaps://{self.address}:{ports[0]}", f"ldap://{self.address}:{ports[1]}"
        self.command = [self.folder / "slapd", "-d", "256", "-f", config, "-h", f"{self.url} {self.plain_url}"]

    def start(self):
        super().start()
        if not self.entries:
            self.run("ldapadd", ldif(self.base, objectClass=["dcObject", "organization"], dc="example", o="Example"))
        return self

    def add(self, name, **attributes):
        self.entries += 1
        dn = f"cn={name},{self.base}"
        entry = {"objectClass": "user", "sn": name, "userAccountControl": 512, "sAMAccountName": name, **attributes}
        self.run("ldapadd", ldif(dn, **{key: value for key, value in entry.items() if value is not None}))
        return dn

    def change_password(self, password):
        """The gate's, for the next start."""
        config = self.folder / "slapd.conf"
        config.write_text(config.read_text().replace(f"rootpw {self.password}", f"rootpw {password}"))
        self.password = password

    def add_referral(self, name, url):
        self.run("ldapadd", ldif(f"cn={name},{self.base}", objectClass=["referral", "extensibleObject"], ref=url))

    def searches(self):
        return self.log.read_text(errors="replace").count(" SRCH base=")

    def connections(self):
        return self.log.read_text(errors="replace").count(" ACCEPT from ")

    def binds(self):
        return self.log.read_text(errors="replace").count(f'BIND dn="{self.admin}" method=128')
