"""log.transfer_log: a file in the format of xferlog(5), read by an analyser that knows nothing of us."""
import re
import signal
import subprocess
import threading

import pytest

from support.wait import wait_until

LINE = re.compile(r"(?P<time>[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-3]\d [0-2]\d:\d\d:\d\d \d{4}) (?P<seconds>\d+) (?P<host>\S+) "
                  r"(?P<bytes>\d+) (?P<path>\S+) (?P<type>[ab]) _ (?P<way>[oi]) r (?P<user>\S+) ftp 0 \* (?P<end>[ci])")


@pytest.fixture
def logged(house, tmp_path):
    """A gate with a transfer log of its own."""
    made = house.unshared(log={"transfer_log": str(tmp_path / "xferlog")})
    made.xferlog = tmp_path / "xferlog"
    return made


def lines(gate, count):
    """The lines as dictionaries, once there are so many."""
    text = wait_until(lambda: (t := gate.xferlog.read_text()).count("\n") >= count and t, f"{count} lines")
    found = [LINE.fullmatch(line) for line in text.splitlines()]
    assert all(found) and len(found) == count, text
    return [one.groupdict() for one in found]


def test_downloads_and_uploads(logged):
    """Files, not listings, nor what was refused; TYPE as the backend took it."""
    client = logged.logged_in()
    assert client.command("TYPE I").code == 200
    assert client.download("RETR a").codes == [150, 226]
    assert client.download("LIST").codes == [150, 226]
    assert client.download("RETR missing").codes == [550]
    assert client.command("TYPE A").code == 200
    assert client.upload("STOR b c", b"0123456789").codes == [150, 226]
    client.command("QUIT")
    down, up = lines(logged, 2)
    assert (down["path"], down["bytes"], down["type"], down["way"], down["end"]) == ("a", "14", "b", "o", "c")
    assert (up["path"], up["bytes"], up["type"], up["way"], up["end"]) == ("b_c", "10", "a", "i", "c")
    assert {down["user"], up["user"]} == {"bob"} and {down["host"], up["host"]} == {"127.0.0.1"}


def test_type_refused(logged):
    """Then it is still the old one."""
    logged.backend.on("TYPE", lambda _session, what: "200 ok" if what == "I" else "504 no")
    client = logged.logged_in()
    assert client.codes("TYPE I", "TYPE A") == [200, 504]
    assert client.download("RETR a").codes == [150, 226]
    assert lines(logged, 1)[0]["type"] == "b"


def test_cut_short(logged):
    """"i" for incomplete."""
    came = threading.Event()

    def take(session, _name):
        session.reply("150 go")
        with session.open_data() as data:
            data.read_exactly(4)
            came.set()
            data.read_all()
        return "426 cut"
    logged.backend.on("STOR", take)
    client = logged.logged_in()
    _, data = client.begin("STOR b")
    data.send(b"half")
    assert came.wait(10)
    data.reset()
    assert client.reply().code == 426
    assert lines(logged, 1)[0]["end"] == "i"


def test_rotation(logged):
    """SIGUSR1 reopens it by its name."""
    client = logged.logged_in()
    assert client.download("RETR a").codes == [150, 226]
    lines(logged, 1)
    old = logged.xferlog.rename(logged.xferlog.with_suffix(".1"))
    logged.child.send_signal(signal.SIGUSR1)
    wait_until(logged.xferlog.exists, "the file is there again")
    assert client.download("RETR a").codes == [150, 226]
    lines(logged, 1)
    assert old.read_text().count("\n") == 1


AWSTATS = """
LogType=F
LogFormat="%time3 %other %host %bytesd %url %other %other %method %other %logname %other %code %other %other"
LogSeparator="\\s"
LogFile="{log}"
SiteDomain="ftp.test"
DirData="{folder}"
DNSLookup=0
"""


def test_an_analyser_reads_it(logged, tmp_path):
    """AWStats finds each line, and none that is corrupt."""
    client = logged.logged_in()
    for name in ("a", "empty"):
        assert client.download(f"RETR {name}").codes == [150, 226]
    for name in ("plain", "with space", "tab\there", "gr\xc3\xbcn"):
        assert client.upload(f"STOR {name}", b"x").codes == [150, 226]
    lines(logged, 6)
    (tmp_path / "awstats.ftp.conf").write_text(AWSTATS.format(log=logged.xferlog, folder=tmp_path))
    done = subprocess.run(["/usr/lib/cgi-bin/awstats.pl", "-config=ftp", f"-configdir={tmp_path}", "-update"],
                          capture_output=True, text=True, timeout=60)
    assert re.search(r"Found 0 corrupted records", done.stdout), done.stdout + done.stderr
    assert re.search(r"Found 6 new qualified records", done.stdout), done.stdout + done.stderr
