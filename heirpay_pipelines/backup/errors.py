"""What stands in the way of a backup or of its return."""

from __future__ import annotations


class BackupError(Exception):
    """It could not be made, is damaged, or could not be put back. The message says what to do."""


class BackupPlaceError(BackupError):
    """The folder that was named cannot be used for it."""

    exit_code = 2
