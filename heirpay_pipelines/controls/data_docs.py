"""Great Expectations' own pages of a run, sealed as they are written when there is a key."""

from __future__ import annotations

from contextvars import ContextVar
from pathlib import Path
from typing import Any

from great_expectations.data_context.store.tuple_store_backend import TupleFilesystemStoreBackend

from heirpay_pipelines.at_rest import sealed
from heirpay_pipelines.at_rest.places import own_folder

SITE = "run"
EXPLAINING = ".gif"
"""Three megabytes a night of how to use Great Expectations: shown by the buttons that are off."""

# Not in the site's configuration: Great Expectations keeps and shows that.
_key: ContextVar[str | None] = ContextVar("data docs key", default=None)


class SealingStoreBackend(TupleFilesystemStoreBackend):
    """A folder of pages, written as this installation keeps its files."""

    def _set(self, key: Any, value: Any, **_: Any) -> None:
        name = key if isinstance(key, tuple) else key.to_tuple()
        relative = self._convert_key_to_filepath(name)  # type: ignore[no-untyped-call]
        if str(relative).endswith(EXPLAINING):
            return
        path = Path(self.full_base_directory) / relative
        own_folder(path.parent)
        sealed.write(path, value.encode() if isinstance(value, str) else value, _key.get())


def write_data_docs(context: Any, folder: Path, key: str | None) -> None:
    """Write the pages of the context's newest checkpoint under `folder`."""
    own_folder(folder)
    context.add_data_docs_site(
        site_name=SITE,
        site_config={
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "store_backend": {
                "class_name": SealingStoreBackend.__name__,
                "module_name": SealingStoreBackend.__module__,
                "base_directory": str(folder),
            },
        },
    )
    given = _key.set(key)
    try:
        context.build_data_docs(site_names=[SITE])
    finally:
        _key.reset(given)
