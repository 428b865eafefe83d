"""Velocity rules as data, their back-test on history, and blocking that a second person approves."""
