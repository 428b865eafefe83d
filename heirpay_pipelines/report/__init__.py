"""The domain report: what a finance lead, a supervisor and a program read of a night.

It reads the published warehouse, this run's control results and what the caller says of the run,
and nothing else. `write_report` writes; `preview` shows the same in Dagster.
"""
