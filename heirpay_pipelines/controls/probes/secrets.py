"""Keys and secrets in files: our own in any form, and whatever looks like somebody's."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from urllib.parse import quote

from heirpay_pipelines.at_rest import sealed
from heirpay_pipelines.backup import is_copy
from heirpay_pipelines.controls.probes.given import ProbeInput
from heirpay_pipelines.controls.results import Outcome, RunContext, judge

SETTINGS = (
    "stripe_api_key",
    "stripe_webhook_secret",
    "stripe_write_key",
    "encryption_key",
    "notify",
)
STRIPE_KINDS = ("sk_live", "rk_live", "sk_test", "rk_test", "whsec")
LEAST, PART = 8, 12
PIECE = 2**20
# detect-secrets knows live keys of one length only (ASSURANCE.md, fact 8).
STRIPE = rb"(?<![A-Za-z0-9_])(?:[sr]k_(?:org_)?(?:live|test)|[sr]k_org|whsec)_[A-Za-z0-9+/]{16,250}"
TOKEN = re.compile(r"[A-Za-z0-9_+-]{12,}")
DETECTORS = (
    "aws.AWSKeyDetector", "azure_storage_key.AzureStorageKeyDetector",
    "basic_auth.BasicAuthDetector",
    "github_token.GitHubTokenDetector", "private_key.PrivateKeyDetector",
    "sendgrid.SendGridDetector", "slack.SlackDetector", "square_oauth.SquareOAuthDetector",
    "stripe.StripeDetector",
)  # fmt: skip
# Compressed or encrypted: another form of a secret cannot be told there, the plain one can.
OPAQUE = (".parquet", ".duckdb", ".wal", ".xlsx")


def secrets_in_files(given: ProbeInput) -> Outcome:
    """No secret in any file under HEIRPAY_HOME (PCI DSS 8.6.2): the configured ones as they are,
    in base64, hexadecimal or URL encoding, or a telling part of them; and any text that looks like
    a key of Stripe or another service. The finding names the file and the kind, never the secret.
    """
    home = given.run.settings
    own = [(name, forms_of(value)) for name, value in configured(given.run)]
    offenders, looked_at = [], 0
    for path in sorted(home.folder.rglob("*")):
        place = path.relative_to(home.folder)
        if not path.is_file() or path.is_symlink() or is_copy(place):
            continue
        looked_at += 1
        kinds = sorted(set(_in_file(path, own, given.run.encryption_key)))
        offenders += [f"{place}: {kind}" for kind in kinds]
    return judge(looked_at, offenders, unit="files")


def configured(run: RunContext) -> Iterator[tuple[str, str]]:
    """(setting, value) of each secret that is set; of several in one setting, each, and of an
    address for notifications its tokens and passwords too."""
    for name in SETTINGS:
        for part in (run.settings.secret(name) or "").split(","):
            if len(part.strip()) >= LEAST:
                yield name, part.strip()
    for token in TOKEN.findall(run.settings.secret("notify") or ""):
        if any(c.isdigit() for c in token) and any(c.isalpha() for c in token):
            yield "notify", token


def forms_of(secret: str) -> tuple[bytes, ...]:
    """The secret as it may stand in a file: plain first, then encoded, then in part."""
    raw = secret.encode()
    forms = [raw, quote(secret, safe="").encode(), raw.hex().encode(), raw.hex().upper().encode()]
    for shift in range(3):
        # Base64 of a text that the secret stands in: what of it does not depend on its neighbours.
        start, end = (shift * 8 + 5) // 6, (shift + len(raw)) * 8 // 6
        padded = b"\0" * shift + raw
        forms += [base64.b64encode(padded)[start:end], base64.urlsafe_b64encode(padded)[start:end]]
    head, _, body = secret.rpartition("_")
    if head in STRIPE_KINDS and len(body) >= PART + LEAST:
        forms += [f"{head}_{body[:PART]}".encode(), body[-PART:].encode()]
    return tuple(dict.fromkeys(forms))


def _in_file(
    path: Path, own: Sequence[tuple[str, tuple[bytes, ...]]], key: str | None
) -> Iterator[str]:
    opaque = path.suffix in OPAQUE
    longest = max((len(form) for _, forms in own for form in forms), default=0)
    for piece in _pieces(path, max(longest, 512), key):
        for name, forms in own:
            if any(form in piece for form in (forms[:1] if opaque else forms)):
                yield name
        if not opaque:
            yield from _of_anybody(piece)


def _of_anybody(piece: bytes) -> Iterator[str]:
    for kind, hint, pattern in _patterns():
        if hint.search(piece) and pattern.search(piece):
            yield kind


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[bytes], re.Pattern[bytes]], ...]:
    """(kind, a short pattern without which the other cannot match, the pattern)."""
    from importlib import import_module

    found = [("a Stripe key", re.compile(rb"[sr]k_|whsec_"), re.compile(STRIPE))]
    for name in DETECTORS:
        module, _, detector = name.partition(".")
        plugin = getattr(import_module(f"detect_secrets.plugins.{module}"), detector)
        for rule in plugin.denylist:
            pattern = re.compile(rule.pattern.encode(), rule.flags & ~re.UNICODE)
            found.append((str(plugin.secret_type), pattern, pattern))
    return tuple(found)


def _pieces(path: Path, overlap: int, key: str | None) -> Iterable[bytes]:
    try:
        with sealed.reader(path, key, plain_too=True) as file:
            tail = b""
            while piece := file.read(PIECE):
                yield tail + piece
                tail = piece[-overlap:]
    except FileNotFoundError:  # a temporary file that went
        return
