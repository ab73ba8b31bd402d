"""deploy/fleet: what can be said of its files without a fleet. That they work is fleet_test."""
import copy
import os
import pathlib
import re
import shutil
import subprocess
import tomllib

import pytest
import yaml

from support.gate import run_command

FILES = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "fleet"
RANGES = [(first, first + 999) for first in (50000, 51000, 52000)]
VIRTUAL = "203.0.113.10"
SYSTEM = "/usr/sbin:/usr/bin:/sbin:/bin"


def tool(name):
    found = shutil.which(name, path=SYSTEM)
    return found or pytest.skip(f"{name} is not installed (tests/install_packages)")


def text(name):
    return (FILES / name).read_text()


def manifests(*names):
    return [one for name in names or ("ftpsgate.yaml", "balancer.yaml")
            for one in yaml.safe_load_all(text(f"kubernetes/{name}"))]


def manifest(kind, name):
    return next(one for one in manifests() if (one["kind"], one["metadata"]["name"]) == (kind, name))


def checked(path, content, authority):
    """`ftpsgate check`, with a certificate that is there in place of the example's."""
    leaf = authority.leaf("ftp.example.com")
    for name, file in (("certificate", leaf.certificate), ("private_key", leaf.key)):
        content, count = re.subn(rf'^(\s*{name} *= ").*?(")', rf"\g<1>{file}\g<2>", content, flags=re.M)
        assert count == 1, name
    path.write_text(content)
    return run_command("check", "-c", path)


# HAProxy.

@pytest.mark.parametrize("which", ["haproxy.cfg", "kubernetes"])
def test_haproxy_accepts_its_configuration(which, tmp_path):
    config = (manifest("ConfigMap", "ftps-balancer")["data"]["haproxy.cfg"] if which == "kubernetes"
              else text("haproxy.cfg"))
    path = tmp_path / "haproxy.cfg"
    path.write_text(config)
    done = subprocess.run([tool("haproxy"), "-c", "-f", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stderr.splitlines() if "could not resolve" not in line]     # pods of no cluster
    assert not [line for line in told if "WARNING" in line or "ALERT" in line], done.stderr


@pytest.mark.parametrize("which", ["haproxy.cfg", "kubernetes"])
def test_a_range_leads_to_one_gate_unchecked(which):
    """Data connections of a gate that drains still reach it; each range has one server, with a header, and no check."""
    config = (manifest("ConfigMap", "ftps-balancer")["data"]["haproxy.cfg"] if which == "kubernetes"
              else text("haproxy.cfg"))
    passive = [section for section in re.split(r"^\s*(?=listen )", config, flags=re.M)
               if section.startswith("listen passive")]
    bound = [tuple(map(int, re.search(r"bind \S*:(\d+)-(\d+)", section).groups())) for section in passive]
    assert bound == RANGES
    for section in passive:
        assert len(re.findall(r"^\s*server ", section, flags=re.M)) == 1 and "check" not in section
    defaults = re.search(r"^\s*defaults$(.*?)^\s*listen ", config, flags=re.M | re.S)[1]
    assert re.search(r"^\s*default-server .*send-proxy-v2", defaults, flags=re.M), "a header on all connections"


# The gates.

@pytest.mark.parametrize("first, last", RANGES)
def test_the_gate_accepts_its_configuration(first, last, tmp_path, authority):
    content = text("ftpsgate.toml").replace("50000-50999", f"{first}-{last}", 1)
    done = checked(tmp_path / "ftpsgate.toml", content, authority)
    assert done.returncode == 0, done.stdout + done.stderr


def test_who_may_send_headers_is_whom_haproxy_is():
    """Two balancers, none of them a gate or a backend."""
    site = tomllib.loads(text("ftpsgate.toml"))["site"][0]
    others = re.findall(r"^\s*server \S+ (\S+)", text("haproxy.cfg"), flags=re.M)
    others += [server.rpartition(":")[0] for server in site["backend"]["servers"]]
    for listener in site["listen"]:
        assert len(listener["proxy_from"]) == 2 and not set(listener["proxy_from"]) & set(others)
    assert site["data"]["passive_address"] == VIRTUAL


# Keepalived.

def in_a_network(*command):
    """In a namespace of its own with an eth0, where the system allows it; elsewhere as it is."""
    if os.getuid() or subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode:
        return subprocess.run(command, capture_output=True, text=True)
    script = 'ip link add eth0 type veth peer name other && ip link set eth0 up && exec "$@"'
    return subprocess.run(["unshare", "-n", "sh", "-c", script, "sh", *command], capture_output=True, text=True)


def test_keepalived_accepts_its_configuration(tmp_path):
    done = in_a_network(tool("keepalived"), "-t", "-f", FILES / "keepalived.conf")
    assert done.returncode == 0 and not done.stderr.strip(), done.stderr
    path = tmp_path / "keepalived.conf"
    path.write_text(text("keepalived.conf").replace("lb_kind DR", "lb_kind XX"))
    assert in_a_network(tool("keepalived"), "-t", "-f", path).returncode != 0, "it would say so"


def test_marks_lead_to_the_gates():
    """A mark for the control ports and one for each range, each with a virtual server; those of the ranges have one gate,
    another each, and no check."""
    marks = {mark: ports for ports, mark in re.findall(r"tcp dport (.*?) meta mark set (\d+)", text("marks.nft"))}
    assert marks.pop("1") == "{ 21, 990 }"
    assert [tuple(map(int, ports.split("-"))) for ports in marks.values()] == RANGES
    servers = dict(re.findall(r"^virtual_server fwmark (\d+) \{(.*?)^\}", text("keepalived.conf"), flags=re.M | re.S))
    control = re.findall(r"real_server (\S+)", servers.pop("1"))
    assert [re.findall(r"real_server (\S+)", servers[mark]) for mark in marks] == [[gate] for gate in control]
    assert list(servers) == list(marks) and not any("HTTP_GET" in server for server in servers.values())


def test_keepalived_never_drops_what_runs():
    """A gate that fails its check keeps its entry, with weight 0: the kernel drops packets of connections to others."""
    config = text("keepalived.conf")
    assert config.count("inhibit_on_failure\n") == config.count("HTTP_GET {") == 3


def test_nft_accepts_the_marks():
    done = in_a_network(tool("nft"), "-c", "-f", FILES / "marks.nft")
    if done.returncode and "Operation not permitted" in done.stderr:
        pytest.skip("nft may not look here")
    assert done.returncode == 0, done.stderr


# Kubernetes.

@pytest.mark.parametrize("name", ["ftpsgate.yaml", "balancer.yaml"])
def test_manifests_are_what_the_api_takes(name):
    shape = pytest.importorskip("support.kubernetes_shape", reason="no python3-kubernetes (tests/install_packages)")
    for one in manifests(name):
        assert shape.faults_of(one) == []
        assert one["metadata"].get("namespace", "ftps") == "ftps"


def spoilt(change):
    one = copy.deepcopy(manifest("StatefulSet", "ftpsgate"))
    change(one["spec"]["template"]["spec"])
    return one


@pytest.mark.parametrize("change", [
    lambda pod: pod.update(terminationGracePeriod=1), lambda pod: pod.update(terminationGracePeriodSeconds="135"),
    lambda pod: pod["containers"][0].pop("name"), lambda pod: pod["containers"][0]["ports"][0].pop("containerPort"),
    lambda pod: pod["volumes"].append("made"), lambda pod: pod["securityContext"].update(runAsNonRoot="true"),
    lambda pod: pod["containers"][0]["livenessProbe"].update(httpget={})])
def test_the_check_finds_faults(change):
    shape = pytest.importorskip("support.kubernetes_shape", reason="no python3-kubernetes (tests/install_packages)")
    assert shape.faults_of(spoilt(change))


def pods():
    return [manifest("StatefulSet", "ftpsgate")["spec"]["template"], manifest("DaemonSet", "ftps-balancer")["spec"]["template"]]


def test_what_pods_refer_to_is_there():
    """Config maps, volumes, ports of probes; the secret is the operator's."""
    for pod in pods():
        spec = pod["spec"]
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        for volume in volumes.values():
            if "configMap" in volume:
                manifest("ConfigMap", volume["configMap"]["name"])
            if "secret" in volume:
                assert f"secret tls {volume['secret']['secretName']} " in text("kubernetes/ftpsgate.yaml")
        for container in spec["containers"] + spec.get("initContainers", []):
            assert {mount["name"] for mount in container["volumeMounts"]} <= set(volumes)
            ports = {port["name"] for port in container.get("ports", [])}
            for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
                probe = container.get(kind, {})
                assert probe.get("httpGet", {}).get("port", next(iter(ports), None)) in ports | {None}


def test_selectors_find_the_gates():
    gates = manifest("StatefulSet", "ftpsgate")
    labels = gates["spec"]["template"]["metadata"]["labels"]
    service = manifest("Service", "ftpsgate")["spec"]
    assert gates["spec"]["serviceName"] == "ftpsgate" and service["clusterIP"] == "None"
    for selector in (gates["spec"]["selector"]["matchLabels"], service["selector"],
                     manifest("PodDisruptionBudget", "ftpsgate")["spec"]["selector"]["matchLabels"],
                     manifest("NetworkPolicy", "ftpsgate")["spec"]["podSelector"]["matchLabels"]):
        assert selector == labels


def test_pods_are_confined():
    spec = pods()[0]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True and spec["automountServiceAccountToken"] is False
    for container in spec["containers"] + spec["initContainers"]:
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                                "capabilities": {"drop": ["ALL"]}}


@pytest.mark.parametrize("ordinal", range(3))
def test_each_pod_has_its_range(ordinal, tmp_path, authority):
    """What the init container makes is accepted by the gate, and has the range that the balancer sends here."""
    given, made = tmp_path / "given", tmp_path / "made"
    given.mkdir(), made.mkdir()
    for name, content in manifest("ConfigMap", "ftpsgate")["data"].items():
        (given / name).write_text(content)
    command = pods()[0]["spec"]["initContainers"][0]["command"]
    paths = {"/ftpsgate/given/passive-ports.sh": given / "passive-ports.sh", "/ftpsgate/given": given,
             "/ftpsgate/made": made}
    subprocess.run([paths.get(word, word) for word in command], check=True,
                   env={"HOSTNAME": f"ftpsgate-{ordinal}", "PATH": SYSTEM})
    content = (made / "ftpsgate.toml").read_text()
    site = tomllib.loads(content)["site"][0]
    first, last = RANGES[ordinal]
    assert site["data"]["passive_ports"] == f"{first}-{last}" and site["data"]["passive_address"] == VIRTUAL
    done = checked(tmp_path / "ftpsgate.toml", content, authority)
    assert done.returncode == 0, done.stdout + done.stderr
    balancer = manifest("ConfigMap", "ftps-balancer")["data"]["haproxy.cfg"]
    section = balancer[balancer.index(f"listen passive-{ordinal}"):].split("listen ")[1]
    assert f":{first}-{last}" in section and f"ftpsgate-{ordinal}.ftpsgate.ftps.svc.cluster.local" in section
    ports = {port["containerPort"] for port in pods()[0]["spec"]["containers"][0]["ports"]}
    assert {int(listener["address"].rpartition(":")[2]) for listener in site["listen"]} <= ports


def test_kubernetes_waits_for_the_drain():
    config = tomllib.loads(manifest("ConfigMap", "ftpsgate")["data"]["ftpsgate.toml"])
    drain = re.fullmatch(r"(\d+)m", config["server"]["drain_timeout"])
    assert pods()[0]["spec"]["terminationGracePeriodSeconds"] > 60 * int(drain[1])


def test_the_policy_lets_in_what_the_balancer_needs():
    config = tomllib.loads(manifest("ConfigMap", "ftpsgate")["data"]["ftpsgate.toml"])
    rule = manifest("NetworkPolicy", "ftpsgate")["spec"]["ingress"][0]
    allowed = [(port["port"], port.get("endPort", port["port"])) for port in rule["ports"]]
    assert (RANGES[0][0], RANGES[-1][1]) in allowed
    for listener in config["site"][0]["listen"]:
        assert (int(listener["address"].rpartition(":")[2]),) * 2 in allowed
        assert listener["proxy_from"] == [rule["from"][0]["ipBlock"]["cidr"]]
