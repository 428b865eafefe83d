"""The fields of the domain report (DOMAIN.md), each computed from facts."""
