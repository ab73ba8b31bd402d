"""Waiting on a condition with back-off and a deadline: the only way to wait in this suite, there are no sleeps."""
import select
import time


def wait_until(condition, what, deadline=8.0):
    """Returns the first true value of condition(), or fails with `what` after `deadline` seconds."""
    pause, end = 0.002, time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {deadline} s: {what}"
        select.select([], [], [], pause)
        pause = min(pause * 1.5, 0.1)


def stays_false(condition, seconds=0.3):
    """True when condition() never became true for `seconds`: for what must not happen, where nothing can be awaited."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return False
        select.select([], [], [], 0.02)
    return not condition()
