"""What Dagster loads. Wiring only."""

from heirpay_pipelines import shown
from heirpay_pipelines.nightly.home import prepare_dagster_home
from heirpay_pipelines.nightly.job import definitions
from heirpay_pipelines.settings import Settings

shown.install()
settings = Settings.load()
prepare_dagster_home(settings)
defs = definitions(settings)
