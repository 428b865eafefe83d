"""Questions of others to the published warehouse: one SELECT, read-only, noted in the audit log."""
