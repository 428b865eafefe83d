"""What a process that we start inherits: the variables that it needs, and no others.

The environment of whoever starts `heirpay` holds what is none of a child's business: credentials of
a cloud, a token of CI, another program's password. A child that runs code of many authors (Dagster)
or SQL of others does not get them.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager

NEEDED = frozenset({
    # where programs, temporary files, caches and time zones are, and how text is written
    "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TEMP", "TMP", "LANG", "LANGUAGE", "TZ", "TZDIR",
    "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "SYSTEMROOT", "LD_LIBRARY_PATH",
    # the certificates to trust and the proxy to take: the network's, not a secret of a program
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
    "http_proxy", "https_proxy", "no_proxy", "all_proxy",
    "DO_NOT_TRACK",
})  # fmt: skip
PREFIXES = ("LC_", "PYTHON")


def child_environment(*also: str, prefixes: Collection[str] = ()) -> dict[str, str]:
    """The variables of this process that a child gets: what any program needs, `also`, and those
    whose names begin with one of `prefixes`."""
    begins = (*PREFIXES, *prefixes)
    return {
        name: value
        for name, value in os.environ.items()
        if name in NEEDED or name in also or name.startswith(begins)
    }


@contextmanager
def only(*also: str, prefixes: Collection[str] = ()) -> Iterator[None]:
    """Within it this process itself has no other variables: for a library that starts a child with
    all that there are."""
    kept = child_environment(*also, prefixes=prefixes)
    others = {name: value for name, value in os.environ.items() if name not in kept}
    for name in others:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update({n: v for n, v in others.items() if n not in os.environ})
