"""What Dagster loads. Wiring only."""

from heirpay_pipelines.orchestration.home import prepare_dagster_home
from heirpay_pipelines.orchestration.job import definitions
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.text import shown

shown.install()
settings = Settings.load()
prepare_dagster_home(settings)
defs = definitions(settings)
