"""Events that carry Stripe's signature and yet cannot be kept: counted, never silently dropped.

Only signed bodies come here, so nobody else can fill the table. The body itself is not kept: the
event log still has the event, and the pull quarantines what cannot be read there.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from heirpay_pipelines.state import open_state

UPSERT = """
insert into webhook_rejections values (?, ?, ?, ?, ?, 1)
on conflict (body_sha256) do update
  set deliveries = deliveries + 1, last_received_at = excluded.last_received_at
"""


def record_rejection(state_file: Path, body: bytes, reason: str) -> None:
    """Record one rejected body by its SHA-256, size and reason."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    digest = hashlib.sha256(body).hexdigest()
    with open_state(state_file) as state, state.transaction() as connection:
        connection.execute(UPSERT, (digest, reason, len(body), now, now))
