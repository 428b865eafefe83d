"""Stripe's Reporting API: types, runs and the CSV files that they result in."""
