"""GDPR: the data map, a person's export, erasure and retention over everything that is kept."""
