"""`python -m heirpay_pipelines` is the `heirpay` command."""

from heirpay_pipelines.cli import main

main()
