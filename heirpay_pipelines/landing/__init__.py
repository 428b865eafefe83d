"""Land: raw objects → immutable Parquet behind a manifest."""
