"""deploy/prometheus-rules.yml by promtool: well-formed, and each alert fires when it should and only then."""
import json
import pathlib
import re
import subprocess

RULES = pathlib.Path(__file__).resolve().parents[2] / "deploy/prometheus-rules.yml"
DAY = 86400


def series(name, values, **labels):
    labels = {"instance": "GATE", "job": "ftpsgate", **labels}
    inside = ",".join(f'{key}="{value}"' for key, value in labels.items())
    return {"series": f"{name}{{{inside}}}", "values": values}


def counted(name, each, **labels):
    """A counter that rises by so much a minute, for half an hour."""
    return series(f"ftpsgate_{name}_total", f"0+{each}x30", site="s", **labels)


def certificates(each, result):
    return counted("client_certificates", each, result=result)


def ends_in(name, seconds, **labels):
    """A time stamp, as seen after half an hour."""
    return series(f"ftpsgate_{name}_timestamp_seconds", f"{1800 + seconds}x30", site="s", **labels)


def handshakes(each, result, channel="control"):
    return counted("tls_handshakes", each, channel=channel, result=result)


def logins(each, result):
    return counted("logins", each, method="password", result=result)


def transfers(each, result, direction="download"):
    return counted("transfers", each, direction=direction, result=result)


def connects(each, result, backend="b:21"):
    return counted("backend_connects", each, backend=backend, result=result)


def backend_up(values, backend="b:21"):
    return series("ftpsgate_backend_up", values, site="s", backend=backend)


def sessions(each, result):
    return counted("sessions", each, result=result)


def slow_handshakes(share):
    return [series("ftpsgate_tls_handshake_seconds_bucket", f"0+{count}x30", site="s", channel="control", le=limit)
            for limit, count in (("1", 100 - share), ("2.5", 100 - share), ("10", 100), ("+Inf", 100))]


INFO = series("ftpsgate_build_info", "1x30", version="1")

# Alert: [series with which it fires after half an hour], [series with which it does not].
CASES = {
    "FtpsgateDown": ([series("up", "1x10 0x20"), series("ftpsgate_build_info", "1x10 stale", version="1")],
                     [INFO, series("up", "1x30"), series("up", "0x30", job="other")]),
    "FtpsgateReloadRefused": ([series("ftpsgate_reloads_total", "0x25 1x5", result="refused")],
                              [series("ftpsgate_reloads_total", "0x25 1x5", result="ok"),
                               series("ftpsgate_reloads_total", "7x30", result="refused")]),
    "FtpsgateCertificateExpiresSoon": ([ends_in("certificate_not_after", 13 * DAY)],
                                       [ends_in("certificate_not_after", 15 * DAY)]),
    "FtpsgateCertificateExpired": ([ends_in("certificate_not_after", -60)], [ends_in("certificate_not_after", 60)]),
    "FtpsgateCrlExpiresSoon": ([ends_in("crl_next_update", 600, issuer="CN=A")],
                               [ends_in("crl_next_update", 2 * 3600, issuer="CN=A")]),
    "FtpsgateCrlExpired": ([ends_in("crl_next_update", -900, issuer="CN=A")],
                           [ends_in("crl_next_update", 60, issuer="CN=A")]),
    "FtpsgateCertificatesRefused": ([certificates(10, "accepted"), certificates(4, "expired")],
                                    [certificates(100, "accepted"), certificates(4, "expired"),
                                     certificates(500, "absent")]),
    "FtpsgateRevocationUnknown": ([certificates(1, "revocation_unknown")], [certificates(9, "expired")]),
    "FtpsgateRevokedCertificateUsed": ([certificates(1, "revoked")], [certificates(9, "expired")]),
    "FtpsgateDirectoryFails": ([counted("identity_lookups", 1, source="active_directory", result="refused")],
                               [counted("identity_lookups", 9, source="rule", result="refused"),
                                counted("identity_lookups", 9, source="active_directory", result="mapped")]),
    "FtpsgateLoginsFail": ([logins(5, "ok"), logins(6, "refused")], [logins(50, "ok"), logins(20, "refused")]),
    "FtpsgateBackendDown": ([backend_up("1x20 0x10"), backend_up("1x30", "other:21")],
                            [backend_up("1x28 0x0 1x5"), connects(1, "refused")]),
    "FtpsgateBackendFlaps": ([backend_up("1x20 0 1 0 1 0 1 1 1 1")], [backend_up("1x20 0 1 0 1 1 1 1 1 1")]),
    "FtpsgateBackendFailsSessions": ([connects(1, "timed_out"), connects(3, "ok"), connects(9, "ok", "other:21")],
                                     [connects(1, "timed_out"), connects(9, "ok")]),
    "FtpsgateNoBackend": ([backend_up("1x25 0x5"), backend_up("0x30", "other:21")],
                          [backend_up("1x25 0x5"), backend_up("1x30", "other:21"),
                           sessions(1, "backend_unreachable")]),
    "FtpsgateSessionsRefused": ([sessions(1, "refused")], [sessions(9, "closed"), sessions(9, "login_timeout")]),
    "FtpsgateHandshakesRefused": ([handshakes(1, "refused")], [handshakes(9, "peer_alert"), handshakes(9, "ok")]),
    "FtpsgateNobodyGetsIn": ([handshakes(3, "peer_alert"), handshakes(0, "ok"), handshakes(9, "resumed", "data")],
                             [handshakes(3, "peer_alert"), handshakes(1, "ok"), handshakes(9, "refused")]),
    "FtpsgateHandshakesSlow": (slow_handshakes(10), slow_handshakes(3)),
    "FtpsgateTransfersFail": ([transfers(6, "ok"), transfers(2, "client_failed")],
                              [transfers(60, "ok"), transfers(2, "client_failed"), transfers(99, "refused")]),
    "FtpsgateDataNotResumed": ([handshakes(1, "not_resumed", "data")], [handshakes(9, "truncated", "data")]),
    "FtpsgateUploadsTruncated": ([transfers(1, "truncated", "upload")], [transfers(9, "truncated", "download")]),
    "FtpsgateAttack": ([counted("attacks", 1, kind="bounce")], [counted("attacks", 0, kind="bounce")]),
}


def promtool(*arguments):
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_are_well_formed():
    promtool("check", "rules", RULES)


def test_every_alert_has_its_cases():
    assert re.findall(r"- alert: (\w+)", RULES.read_text()) == list(CASES)


def test_every_alert_says_what_to_do():
    """A severity that routes it, one line for the pager, and a description."""
    text = RULES.read_text()
    count = len(CASES)
    assert len(re.findall(r"severity: (?:critical|warning) }", text)) == count
    assert len(re.findall(r"^          summary: \"", text, re.M)) == count
    assert len(re.findall(r"^          description: (?:>-|\"\w)", text, re.M)) == count


def case_of(alert, kind):
    """The case's series, on a gate of its own, and what promtool is to find of the alert there after half an hour."""
    gate = f"{alert} {kind}"
    given = [{**one, "series": one["series"].replace("GATE", gate)} for one in CASES[alert][kind == "quiet"]]
    expression = f'count(ALERTS{{alertname="{alert}",alertstate="firing",instance="{gate}"}})'
    found = [] if kind == "quiet" else [{"labels": "{}", "value": 1}]
    return given, {"expr": expression, "eval_time": "30m", "exp_samples": found}


def test_alerts(tmp_path):
    """Each fires when it should, and only then; promtool names those that are wrong."""
    cases = [case_of(alert, kind) for alert in CASES for kind in ("fires", "quiet")]
    test = {"interval": "1m", "input_series": [one for given, _ in cases for one in given],
            "promql_expr_test": [expected for _, expected in cases]}
    path = tmp_path / "cases.yml"
    path.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}))
    promtool("test", "rules", path)
