"""What can go wrong in a pull, in words that say what to do."""

from __future__ import annotations

import re


class PullError(Exception):
    """Stripe refused a request for good. Nothing of a pull becomes visible before its end."""


class KeyRefusedError(PullError):
    """Stripe does not accept the key (401): the pull cannot go on."""


class NotReadableError(PullError):
    """One endpoint cannot be read (403 no permission, 404 gone): a fact for the coverage
    statement, not the end of the pull."""

    def __init__(self, status: int, reason: str, said: str = "") -> None:
        """`said` are Stripe's own words: they name the account and the permission that is
        missing. They are read for these two and kept nowhere."""
        super().__init__(reason)
        self.status = status
        account = re.search(r"\bacct_[A-Za-z0-9]{6,}(?![A-Za-z0-9*])", said)
        self.account = account.group() if account else None
        permission = re.search(r"\brak_[a-z0-9_]+\b", said)
        self.permission = permission.group() if permission else None


class ExpansionRefusedError(PullError):
    """Something that was to be expanded cannot be, on these objects or by this key."""


class CursorGoneError(PullError):
    """The object that a page was to start after is not there any more."""


class RefusedError(PullError):
    """Stripe refused for now (429); `wait` is how many seconds it asks for."""

    def __init__(self, reason: str, wait: float | None) -> None:
        super().__init__(f"Stripe refuses requests for now ({reason}), though it was asked slowly")
        self.reason = reason
        self.wait = wait


class TransientError(PullError):
    """A failure that another try may not meet: 5xx, a broken connection, a broken body."""


class UnreachableError(TransientError):
    """No connection to Stripe before anything was answered: an unknown host, a refused connection,
    a certificate that is not trusted. Waiting seconds does not help; minutes may."""


def first_of(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """What went wrong first among parallel parts: the key before anything else, our own errors
    before others."""
    ours, others = errors.split(PullError)
    if ours is None:
        return _leaves(others or errors)[0]
    found = _leaves(ours)
    refused = [error for error in found if isinstance(error, KeyRefusedError)]
    return (refused or found)[0]


def _leaves(errors: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    leaves: list[BaseException] = []
    for error in errors.exceptions:
        leaves += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return leaves
