"""The nightly job: the steps as Dagster assets, and the commands that start it."""
