"""What systemd does for a service, without systemd: a socket that is told its state (sd_notify(3)), and listening
sockets that it is started with (sd_listen_fds(3))."""
import os
import socket
import threading

from . import process
from .wait import wait_until


class ServiceManager:
    """`start` goes where a Gate is started by; `told` are the assignments in the order of their coming."""

    def __init__(self, folder, watchdog=None, sockets=()):
        self.path = str(folder / "notify")
        self.watchdog, self.sockets = watchdog, list(sockets)
        self.inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.inbox.bind(self.path)
        self.told = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            try:
                message = self.inbox.recv(65536)
            except OSError:
                return
            self.told += message.decode().splitlines()

    def start(self, arguments, **options):
        variables = {**os.environ, "NOTIFY_SOCKET": self.path}
        if self.watchdog:
            variables["WATCHDOG_USEC"] = str(self.watchdog)
        if not self.sockets:
            return process.start(arguments, env=variables, **options)
        # The sockets have to be number 3 and following, and LISTEN_PID that of the gate.
        first = 100
        for number, one in enumerate(self.sockets):
            os.dup2(one.fileno(), first + number)
        moves = " ".join(f"{3 + number}<&{first + number}" for number in range(len(self.sockets)))
        script = f'export LISTEN_FDS={len(self.sockets)} LISTEN_PID=$$; exec "$@" {moves}'
        try:
            return process.start(["bash", "-c", script, "bash", *arguments], env=variables,
                                 pass_fds=range(first, first + len(self.sockets)), **options)
        finally:
            for number in range(len(self.sockets)):
                os.close(first + number)

    def wait_for(self, word, times=1):
        wait_until(lambda: self.told.count(word) >= times, f"{word}, told only {self.told}", 20)

    def stop(self):
        self.inbox.close()
