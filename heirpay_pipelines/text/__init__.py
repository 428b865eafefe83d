"""Text that people and spreadsheets read: nothing in it acts, and a mistyped name is understood."""
