"""Bank statements: camt.053, MT940, BAI2, OFX and CSV files, read, verified and landed."""
