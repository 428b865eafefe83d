"""Imported by every Python process that has this folder on its PYTHONPATH: whoever runs it is
logged in as TEST_LOGIN."""

import os

from heirpay_pipelines.host import person

person.login = lambda: os.environ["TEST_LOGIN"]
