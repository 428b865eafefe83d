"""Retention (GDPR article 5(1)(e)): how long personal data is kept, and whose is kept too long."""

from heirpay_pipelines.controls.retention.query import Due, due
from heirpay_pipelines.controls.retention.rules import RetentionError, Rule, kept_for, load_rules

__all__ = ["Due", "RetentionError", "Rule", "due", "kept_for", "load_rules"]
