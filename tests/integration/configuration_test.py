"""`ftpsgate check` and what `run` makes of a bad file: every fault with FILE:LINE:COLUMN, exit status 2
(INTERFACE.md)."""
import re

import pytest

from support import toml
from support.gate import run_command


@pytest.fixture
def good(authority):
    """Settings that pass, to be spoilt by a test."""
    leaf = authority.leaf()
    return {"server": {"threads": 1}, "log": {"level": "info"}, "metrics": {"listen": ""},
            "site": [{"name": "ftp.test", "listen": [{"address": "127.0.0.1:0", "tls": "explicit"}],
                      "ssl": {"certificate": str(leaf.certificate), "private_key": str(leaf.key)},
                      "backend": {"servers": ["127.0.0.2:21"]}, "data": {"allow_active": True},
                      "limits": {"sessions": 10},
                      "commands": {"deny": ["SITE"]}}]}


def check(tmp_path, text, *more):
    path = tmp_path / "gate.toml"
    path.write_text(text)
    return path, run_command("check", "-c", path, *more)


def faults(path, done):
    """[(line, column, message)]; every line of the output has to be one."""
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    found = [re.fullmatch(re.escape(str(path)) + r":(\d+):(\d+): error: (.+)", line) for line in lines]
    assert all(found), lines
    return [(int(one.group(1)), int(one.group(2)), one.group(3)) for one in found]


def test_a_good_file(tmp_path, good):
    _, done = check(tmp_path, toml.dump(good))
    assert done.returncode == 0 and re.fullmatch(r"OK: 1 sites?", done.stdout.strip())
    good["site"].append({**good["site"][0], "name": "other.test"})
    _, done = check(tmp_path, toml.dump(good))
    assert (done.returncode, done.stdout.strip()) == (0, "OK: 2 sites")


SPOILT = {
    "unknown key": ("threads = 1", "treads = 1"), "wrong type": ("threads = 1", 'threads = "one"'),
          "out of range": ("threads = 1", "threads = -1"),
    "unknown word": ('level = "info"', 'level = "chatty"'), "unknown table": ("[metrics]", "[metrix]"),
          "unknown in a site": ("sessions = 10", "sesions = 10"),
    "size of nothing": ("sessions = 10", "command_line = 0"),
          "duration": ("sessions = 10", 'idle_timeout = "5 parsecs"'),
    "bare number for a duration": ("sessions = 10", "idle_timeout = 300"),
          "port range": ("allow_active = true", 'passive_ports = "5000-4000"'),
    "port out of range": ("allow_active = true", 'passive_ports = "60000-70000"'),
          "no address": ('["127.0.0.2:21"]', '["127.0.0.2"]'),
    "port 0 of a backend": ('["127.0.0.2:21"]', '["127.0.0.2:0"]'), "no servers": ('["127.0.0.2:21"]', "[]"),
    "listener without port": ('"127.0.0.1:0"', '"127.0.0.1"'),
          "listener mode": ('tls = "explicit"', 'tls = "sometimes"'),
    "unknown in a listener": ('tls = "explicit"', 'tls = "explicit", colour = "red"'),
          "passive address": ("allow_active = true", 'passive_address = "not.an.address"'),
    "bool": ("allow_active = true", 'allow_active = "yes"'), "denied verb": ('["SITE"]', "[5]"),
}


@pytest.mark.parametrize("old, new", SPOILT.values(), ids=SPOILT)
def test_one_fault_is_found_where_it_is(tmp_path, good, old, new):
    text = toml.dump(good)
    assert old in text
    text = text.replace(old, new, 1)
    where = next(number for number, line in enumerate(text.splitlines(), 1) if new in line)
    path, done = check(tmp_path, text)
    assert done.returncode == 2
    found = faults(path, done)
    assert where in [line for line, _, _ in found] and all(column >= 1 for _, column, _ in found)


def test_every_fault_is_found_in_one_run(tmp_path, good):
    text = toml.dump(good)
    for old, new in [SPOILT["unknown key"], SPOILT["unknown word"], SPOILT["unknown in a site"], SPOILT["no address"],
                     SPOILT["bool"]]:
        text = text.replace(old, new, 1)
    path, done = check(tmp_path, text)
    assert done.returncode == 2 and len({line for line, _, _ in faults(path, done)}) >= 5


def test_a_near_miss_is_named(tmp_path, good):
    path, done = check(tmp_path, toml.dump(good).replace("threads", "threds"))
    assert done.returncode == 2 and "threads" in faults(path, done)[0][2]


def test_syntax(tmp_path):
    path, done = check(tmp_path, "[server]\nthreads = = 1\n")
    assert done.returncode == 2 and faults(path, done)[0][0] == 2


@pytest.mark.parametrize("content", ["", "# nothing\n", "[server]\nthreads = 1\n"])
def test_no_site(tmp_path, content):
    _, done = check(tmp_path, content)
    assert done.returncode == 2 and "error: " in done.stdout + done.stderr


def test_required_keys(tmp_path, good):
    for table, key in [(None, "name"), (None, "listen"), ("backend", "servers")]:
        site = {name: dict(value) if isinstance(value, dict) else value for name, value in good["site"][0].items()}
        del (site[table] if table else site)[key]
        _, done = check(tmp_path, toml.dump({**good, "site": [site]}))
        assert done.returncode == 2 and key in done.stdout + done.stderr


def test_names_are_unique(tmp_path, good):
    good["site"].append(good["site"][0])
    path, done = check(tmp_path, toml.dump(good))
    assert done.returncode == 2 and "ftp.test" in faults(path, done)[0][2]


FILES = {"missing certificate": ("certificate", "nowhere.pem", None),
         "missing key": ("private_key", "nowhere.key", None),
         "no certificate in it": ("certificate", "text.pem", "hello"),
         "no key in it": ("private_key", "text.key", "hello")}


@pytest.mark.parametrize("key, name, content", FILES.values(), ids=FILES)
def test_files_are_read(tmp_path, good, key, name, content):
    """`check` reads everything the configuration names; paths are relative to the configuration file."""
    if content:
        (tmp_path / name).write_text(content)
    good["site"][0]["ssl"][key] = name
    text = toml.dump(good)
    path, done = check(tmp_path, text)
    where = next(number for number, line in enumerate(text.splitlines(), 1) if name in line)
    assert done.returncode == 2 and where in [line for line, _, _ in faults(path, done)]


def test_relative_paths(tmp_path, good, authority):
    for key, source in (("certificate", authority.leaf().certificate), ("private_key", authority.leaf().key)):
        (tmp_path / key).write_bytes(source.read_bytes())
        good["site"][0]["ssl"][key] = key
    _, done = check(tmp_path, toml.dump(good))
    assert done.returncode == 0


def test_the_key_of_another_certificate(tmp_path, good, authority):
    good["site"][0]["ssl"]["private_key"] = str(authority.leaf("other.test").key)
    path, done = check(tmp_path, toml.dump(good))
    assert done.returncode == 2 and faults(path, done)


def test_as_many_keys_as_certificates(tmp_path, good, authority):
    good["site"][0]["ssl"]["certificate"] = [str(authority.leaf().certificate),
                                             str(authority.leaf(kind="rsa").certificate)]
    _, done = check(tmp_path, toml.dump(good))
    assert done.returncode == 2


def test_an_implicit_listener_needs_a_certificate(tmp_path, good):
    """B-185: combinations that cannot work."""
    site = good["site"][0]
    site["listen"] = [{"address": "127.0.0.1:0", "tls": "implicit"}]
    site["ssl"] = {"control_channel_policy": "allow", "data_channel_policy": "deny"}
    _, done = check(tmp_path, toml.dump(good))
    assert done.returncode == 2


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_missing_file(tmp_path, command):
    done = run_command(command, "-c", tmp_path / "nowhere.toml")
    assert done.returncode == 2 and "nowhere.toml" in done.stdout + done.stderr


def test_run_refuses_what_check_refuses(tmp_path, good):
    path = tmp_path / "gate.toml"
    path.write_text(toml.dump(good).replace("threads = 1", "treads = 1"))
    done = run_command("run", "--config", path)
    assert done.returncode == 2 and "treads" in done.stdout + done.stderr


def test_check_opens_no_socket(tmp_path, good):
    """The addresses may be in use, or not even be ours."""
    good["site"][0]["listen"] = [{"address": "192.0.2.1:21", "tls": "explicit"}]
    _, done = check(tmp_path, toml.dump(good))
    assert done.returncode == 0


def test_version_and_help():
    version = run_command("--version")
    assert version.returncode == 0 and re.search(r"\d+\.\d+", version.stdout)
    assert "BoringSSL" in version.stdout and "Boost" in version.stdout
    usage = run_command("--help")
    assert usage.returncode == 0 and all(word in usage.stdout for word in ("run", "check", "config"))


@pytest.mark.parametrize("arguments", [["serve"], ["--no-such-option"], ["run", "--no-such-option"], []])
def test_bad_usage(arguments):
    done = run_command(*arguments)
    assert done.returncode != 0 and (done.stdout + done.stderr).strip()


def test_a_fault_that_follows_from_another_is_not_named(tmp_path):
    """INTERFACE, check: every line has its position, also where a key is misspelt that another one needs."""
    file = tmp_path / "ftpsgate.toml"
    file.write_text('[[site]]\nname = "x.example"\nlisten = [{ address = "127.0.0.1:0", tls = "explicit" }]\n'
                    '[site.ssl]\ncertificate = "none.pem"\nprivat_key = "none.key"\n'
                    '[site.backend]\nservers = ["127.0.0.1:21"]\n')
    done = run_command("check", "-c", file)
    assert done.returncode == 2
    lines = done.stderr.splitlines() + done.stdout.splitlines()
    assert len(lines) >= 2 and all(line.startswith(f"{file}:") for line in lines)
