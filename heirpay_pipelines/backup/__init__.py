"""Copies of a home that are verified by hashes: made, held against their list, put back.

The lowest layer that reads a home: it knows files, not what they mean. Who calls it holds the run
lock, so that nothing but databases and logs changes meanwhile.
"""

from heirpay_pipelines.backup.copying import is_unfinished, make_backup
from heirpay_pipelines.backup.errors import BackupError, BackupPlaceError
from heirpay_pipelines.backup.inventory import COPIES, discard_copies, is_copy
from heirpay_pipelines.backup.listing import LIST, Backup, read_backup, verify_backup
from heirpay_pipelines.backup.restoring import require_restorable, restore_backup

__all__ = [
    "COPIES",
    "LIST",
    "Backup",
    "BackupError",
    "BackupPlaceError",
    "discard_copies",
    "is_copy",
    "is_unfinished",
    "make_backup",
    "read_backup",
    "require_restorable",
    "restore_backup",
    "verify_backup",
]
