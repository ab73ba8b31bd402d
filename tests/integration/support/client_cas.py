"""The client CAs of a test session, and what the gate is told about them: a root, an intermediate CA, and CRLs."""
import itertools
import pathlib

from .client_pki import Credential, root
from .http_server import HOST


class ClientCas:
    """`root` and `ca` (below it) are as they should be; `root_list` is a file with a CRL that says nothing of `ca`."""

    def __init__(self, folder):
        self.folder, self.numbers = pathlib.Path(folder), itertools.count(1)
        self.root = root()
        self.ca = self.root.ca("client CA")
        self.ca_file = self.file("ca_file.pem", self.root.pem)
        self.root_list = self.file("root.crl", self.root.crl())

    def file(self, name, data):
        path = self.folder / f"{next(self.numbers)}-{name}"
        path.write_bytes(data)
        return str(path)

    def credential(self, entity, chain=None):
        """`chain` is what the client sends, by default all but the root."""
        return Credential(self.folder, entity, chain)

    def leaf(self, common_name="client", **wishes):
        """A credential below `ca`."""
        return self.credential(self.ca.issue(common_name, **wishes))

    def settings(self, *flags, **changes):
        """[site.client_certificates]: required, checked in full; URLs on loopback are allowed."""
        return {"policy": "require", "ca_file": self.ca_file, "crl_files": [self.root_list],
                "validation_flags": list(flags), "url_allow": [HOST], **changes}
