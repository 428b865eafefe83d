"""What Dagster loads. Wiring only."""

from heirpay_pipelines.nightly.home import prepare_dagster_home
from heirpay_pipelines.nightly.job import definitions
from heirpay_pipelines.settings import Settings

settings = Settings.load()
prepare_dagster_home(settings)
defs = definitions(settings)
