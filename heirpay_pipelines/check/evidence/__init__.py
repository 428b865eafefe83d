"""The evidence folder for an auditor: written by one command, checked by another."""

from heirpay_pipelines.check.evidence.folder import (
    EvidenceError,
    verify_evidence,
    write_evidence,
)

__all__ = ["EvidenceError", "verify_evidence", "write_evidence"]
