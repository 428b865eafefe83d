"""The books: reconciliation breaks, the close of a month, adjustments to closed months."""
