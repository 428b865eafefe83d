"""What can go wrong in a pull, in words that say what to do."""

from __future__ import annotations


class PullError(Exception):
    """The pull cannot go on. Nothing of it becomes visible; the next run starts again."""


class KeyRefusedError(PullError):
    """Stripe does not accept the key (401)."""


class NotReadableError(PullError):
    """One endpoint cannot be read (403 no permission, 404 gone): a fact for the coverage
    statement, not the end of the pull."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class RefusedError(PullError):
    """Stripe refused for now (429); `wait` is how many seconds it asks for."""

    def __init__(self, reason: str, wait: float | None) -> None:
        super().__init__(f"Stripe refuses requests for now ({reason})")
        self.reason = reason
        self.wait = wait


class TransientError(PullError):
    """A failure that another try may not meet: 5xx, a broken connection, a broken body."""
