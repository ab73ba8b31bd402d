"""data.rate_limit: bytes a second of one session, over all its transfers."""
import time

import pytest


@pytest.fixture
def slow(house):
    gate = house.gate(data={"rate_limit": "200KiB"})
    gate.backend.script.files["big"] = bytes(range(256)) * 800     # 200 KiB
    return gate


@pytest.mark.parametrize("level", ["P", "C"])
def test_download_and_upload(house, level):
    """Half of a second's worth each: whole, and not before its time. (The passing of time is the subject.)"""
    gate = house.gate(data={"rate_limit": "200KiB"}, ssl={"data_channel_policy": "allow"})
    content = bytes(range(256)) * 800
    gate.backend.script.files["big"] = content
    client = gate.logged_in(level)
    begun = time.monotonic()
    down = client.download("RETR big")
    assert down.codes == [150, 226] and down.data == content
    assert client.upload("STOR up", content).codes == [150, 226]
    assert gate.backend.wait_upload("up").received == content
    assert time.monotonic() - begun >= 1.7


def test_control_is_not_slowed(slow):
    """While the session waits for its allowance it answers, and ABOR ends the transfer."""
    client = slow.logged_in()
    slow.backend.script.files["huge"] = b"x" * 20_000_000
    _, data = client.begin("RETR huge")
    data.read_exactly(1000)
    assert client.command("NOOP").code == 200
    assert client.codes("ABOR") == [426] and client.reply().code == 226


def test_sessions_do_not_share_it(slow):
    """Each has its own."""
    first, second = slow.logged_in(), slow.logged_in()
    begun = time.monotonic()
    _, one = first.begin("RETR big")
    _, two = second.begin("RETR big")
    assert len(one.read_all()) == len(two.read_all()) == 256 * 800
    assert time.monotonic() - begun >= 0.7
    assert first.reply().code == second.reply().code == 226
