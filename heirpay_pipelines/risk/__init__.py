"""Velocity rules as data, their back-test, and blocking that a second person approves."""
