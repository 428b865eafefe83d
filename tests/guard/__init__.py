"""A guard over what Python processes contact: `sitecustomize.py` of this folder."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit


def socket_guard(log: Path, *allowed: str) -> dict[str, str]:
    """The environment in which Python processes may contact the allowed URLs alone; each address
    that they try is noted in `log`."""
    return {
        "PYTHONPATH": str(Path(__file__).parent),
        "PYTHON_SOCKET_GUARD_LOG": str(log),
        "PYTHON_SOCKET_GUARD_ALLOWED": ",".join(urlsplit(url).netloc for url in allowed),
    }
