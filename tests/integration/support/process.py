"""Child processes that never outlive the suite, and ports that the kernel chose."""
import ctypes
import os
import signal
import socket
import subprocess

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


def free_port(host):
    """A port that was free a moment ago: for servers that cannot listen on port 0. Callers retry when it is taken."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, 0))
        return probe.getsockname()[1]


def start(arguments, **options):
    """subprocess.Popen in its own process group; the child gets SIGTERM when this process dies."""
    return subprocess.Popen([str(a) for a in arguments], start_new_session=True,
                            preexec_fn=lambda: _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM),
                            **{"stdin": subprocess.DEVNULL, **options})


def end(child):
    """Ends the child and whatever it started."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    child.wait(timeout=10)
