"""The audit log: who did what and when, in a hash chain that shows any change."""

from heirpay_pipelines.audit.actions import Action
from heirpay_pipelines.audit.chain import AuditError, Head, append, head
from heirpay_pipelines.audit.verify import Finding, Verification, verify

__all__ = ["Action", "AuditError", "Finding", "Head", "Verification", "append", "head", "verify"]
