"""The evidence folder for an auditor: written by one command, checked by another."""

from heirpay_pipelines.controls.evidence.folder import (
    EvidenceError,
    rewritings,
    verify_evidence,
    write_evidence,
)

__all__ = ["EvidenceError", "rewritings", "verify_evidence", "write_evidence"]
