"""pyftpdlib as a program: pyftpd_server.py ADDRESS ROOT USER PASSWORD. Prints its port and serves until it is ended."""
import logging
import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer


class Handler(FTPHandler):
    """File names as bytes, whatever their encoding; no delay after a wrong password."""
    unicode_errors = "surrogateescape"
    auth_failed_timeout = 0
    banner = "pyftpdlib test backend"


def main():
    address, root, user, password = sys.argv[1:]
    logging.basicConfig(level=logging.ERROR)
    Handler.authorizer = DummyAuthorizer()
    Handler.authorizer.add_user(user, password, root, perm="elradfmwMT")
    server = FTPServer((address, 0), Handler)
    print(server.socket.getsockname()[1], flush=True)
    server.serve_forever()


main()
