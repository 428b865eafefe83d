"""Outbound connections, keys, telemetry and dependencies."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Iterator
from importlib.metadata import distributions
from typing import Any
from urllib.parse import urlsplit

from heirpay_pipelines.controls.probes.given import ProbeInput
from heirpay_pipelines.controls.probes.hostile import hostile_bodies
from heirpay_pipelines.controls.results import Outcome, judge, not_applicable, not_evaluated
from heirpay_pipelines.gateways.stripe.client import tls_context
from heirpay_pipelines.gateways.stripe.write_probe import key_id
from heirpay_pipelines.host.loopback import LOOPBACK
from heirpay_pipelines.receive.signature import split_secrets
from heirpay_pipelines.sandbox import SANDBOX_KEY

TELEMETRY_SWITCHES = ("DAGSTER_DISABLE_TELEMETRY", "DO_NOT_TRACK")
INSECURE_VARIABLES = ("PYTHONHTTPSVERIFY", "SSL_CERT_FILE_DISABLE", "CURL_INSECURE")


def tls_settings(given: ProbeInput) -> Outcome:
    """Outbound connections verify certificates and speak TLS 1.2 or newer (PCI DSS 4.2.1)."""
    url = urlsplit(given.run.settings.stripe_api_base)
    context = tls_context()
    faults = []
    if url.scheme != "https" and url.hostname not in LOOPBACK:
        faults.append("STRIPE_API_BASE is not https")
    if context.minimum_version < ssl.TLSVersion.TLSv1_2:
        faults.append("TLS below 1.2 is allowed")
    if context.verify_mode != ssl.CERT_REQUIRED or not context.check_hostname:
        faults.append("certificates are not verified")
    faults += [f"{name} is set to 0" for name in INSECURE_VARIABLES if os.environ.get(name) == "0"]
    places = list(_notified(given.run.settings.secret("notify")))
    faults += [fault for fault in places if fault]
    return judge(1 + len(places), faults, endpoint=url.hostname, scheme=url.scheme)


def _notified(text: str | None) -> Iterator[str]:
    """What is wrong with each destination of HEIRPAY_NOTIFY, empty where nothing is: one without
    TLS, or whose certificate is not verified. The address itself holds secrets."""
    if not text:
        return
    import apprise
    from apprise.utils.parse import parse_urls

    for number, address in enumerate(parse_urls(text), 1):  # type: ignore[no-untyped-call]
        service = apprise.Apprise.instantiate(address, suppress_exceptions=True)
        if service is None:
            yield f"destination {number} of HEIRPAY_NOTIFY is not known"
            continue
        schema = urlsplit(address).scheme
        open_ones = service.protocol or ()
        plain = schema in ((open_ones,) if isinstance(open_ones, str) else open_ones)
        if plain and not service.secure and urlsplit(address).hostname not in LOOPBACK:
            yield f"destination {number} of HEIRPAY_NOTIFY ({schema}) has no TLS"
        elif not service.verify_certificate:
            yield f"destination {number} of HEIRPAY_NOTIFY ({schema}) verifies no certificate"
        else:
            yield ""


def production_key(given: ProbeInput) -> Outcome:
    """No default or test key against Stripe itself (PCI DSS 2.2.2)."""
    settings = given.run.settings
    if urlsplit(settings.stripe_api_base).hostname in LOOPBACK:
        return not_applicable("the account is the embedded one, on loopback")
    key = settings.secret("stripe_api_key") or ""
    faults = []
    if not key or key == SANDBOX_KEY:
        faults.append("the embedded account's default key")
    elif key.startswith(("sk_test_", "rk_test_")):
        faults.append("a test key")
    return judge(1, faults)


def least_privilege_key(given: ProbeInput) -> Outcome:
    """The key is a restricted one that can write nothing, as Stripe itself answered when the pull
    asked (PCI DSS 7.2.2; gateways/stripe/write_probe says how and why that is harmless)."""
    key = given.run.settings.api_key
    kind = key.split("_", 1)[0]
    if kind != "rk":
        return judge(1, [f"a {kind}_ key can do everything; use a restricted rk_ key"], kind=kind)
    rows = given.connection.execute(
        "select resource, answer, probed_at from landing.write_permissions where key_id = ?"
        " qualify rank() over (order by probed_at desc) = 1 order by resource",
        [key_id(key)],
    ).fetchall()
    if not rows:
        return not_evaluated("Stripe was not asked yet what this key may write: run a pull")
    by_answer: dict[str, list[str]] = {"permitted": [], "unclear": []}
    for resource, answer, _ in rows:
        by_answer.setdefault(answer, []).append(resource)
    if by_answer["unclear"] and not by_answer["permitted"]:
        return not_evaluated(f"Stripe gave no clear answer for {', '.join(by_answer['unclear'])}")
    return judge(
        len(rows),
        [f"may write {resource}" for resource in by_answer["permitted"]],
        unit="resources",
        probed_at=rows[0][2],
        how="POST without parameters to an object that cannot exist; 403 says read only",
    )


def webhook_secret(given: ProbeInput) -> Outcome:
    """Webhooks are verified with a signing secret where they are received (PCI DSS 6.2.4)."""
    row = given.connection.execute("select count(*) from state.webhook_endpoint").fetchone()
    if not row or not row[0]:
        return not_applicable("no webhook endpoint was started; events come from the event log")
    secrets = (given.run.settings.secret("stripe_webhook_secret") or "").split(",")
    weak = [f"secret {n}" for n, s in enumerate(secrets, 1) if not s.strip().startswith("whsec_")]
    return judge(len(secrets), weak)


def webhook_signatures(given: ProbeInput) -> Outcome:
    """The verifier with the secrets that are set refuses twelve hostile bodies and takes an honest
    one (PCI DSS 6.2.4)."""
    secrets = split_secrets(given.run.settings.secret("stripe_webhook_secret"))
    row = given.connection.execute("select count(*) from state.webhook_endpoint").fetchone()
    if not secrets:
        if not row or not row[0]:
            return not_applicable("no webhook endpoint was started and no secret is set")
        return judge(1, ["STRIPE_WEBHOOK_SECRET is not set"])
    return hostile_bodies(secrets, time.time())


def telemetry_off(given: ProbeInput) -> Outcome:
    """Nothing but the configured endpoints is contacted: the libraries' telemetry is off."""
    on = [name for name in TELEMETRY_SWITCHES if os.environ.get(name, "") not in ("1", "true")]
    return judge(len(TELEMETRY_SWITCHES), on)


def known_vulnerabilities(given: ProbeInput) -> Outcome:
    """Installed packages against advisories (PCI DSS 6.3.1, 6.3.3).

    With HEIRPAY_ADVISORIES pip-audit asks that source, and nothing else. Otherwise
    `security/advisories.json` under HEIRPAY_HOME counts: what `pip-audit --format json` wrote on a
    machine that reaches a source. Without it, or when it is older than 30 days, the control is not
    evaluated: no evidence is no pass.
    """
    import json

    source = given.run.settings.advisories
    if source is not None:
        from heirpay_pipelines.controls.probes.advisories import asked

        found = asked(source)
        return not_evaluated(found) if isinstance(found, str) else _against(found)
    path = given.run.settings.folder / "security" / "advisories.json"
    if not path.is_file():
        return not_evaluated("no advisory data: put pip-audit's JSON into security/advisories.json")
    age = given.run.checked_at.timestamp() - path.stat().st_mtime
    if age > 30 * 86400:
        return not_evaluated(f"the advisory data is {int(age // 86400)} days old")
    try:
        return _against(json.loads(path.read_text()))
    except (ValueError, KeyError, TypeError):
        return not_evaluated("security/advisories.json is not what pip-audit writes")


def _against(report: Any) -> Outcome:
    """The installed packages against a report of pip-audit's."""
    listed = {
        (str(item["name"]).lower(), str(item.get("version"))): item.get("vulns", [])
        for item in report["dependencies"]
    }
    installed = {(d.metadata["Name"].lower(), d.version) for d in distributions()}
    vulnerable = sorted(f"{n} {v}" for n, v in installed if listed.get((n, v)))
    unknown = sorted(f"{n} {v}" for n, v in installed - set(listed))
    if unknown and not vulnerable:
        return not_evaluated(f"{len(unknown)} installed packages are not in the advisory data")
    return judge(len(installed), vulnerable)
