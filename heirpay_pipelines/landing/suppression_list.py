"""Erased people's data stays away: what Stripe still answers about them is pseudonymised before
the pull that brought it becomes visible."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from heirpay_pipelines.home import Home
from heirpay_pipelines.landing.erasing import Rewritten, rewrite_files
from heirpay_pipelines.landing.landing import Landing, by_object
from heirpay_pipelines.landing.manifest import LandedFile
from heirpay_pipelines.landing.people import describe, open_links, related
from heirpay_pipelines.personal.pseudonyms import Erased, erased, suppress
from heirpay_pipelines.state.database import open_state

NEW_ABOUT = """
select distinct seen.id, erased.pseudonym
from (select id from links union select link from links) as seen
inner join erased on erased.hash = mac(seen.id)
"""


@dataclass(frozen=True)
class SuppressionList:
    """The suppression list of an installation."""

    home: Home
    erased: Erased

    def apply(self, landing: Landing, files: Sequence[LandedFile]) -> list[LandedFile]:
        """The files of a pull that is not committed yet, without what is of erased people.

        What they say of new objects of an erased person is remembered first, so that a pull that
        is killed here leaves nothing to find later.
        """
        kept = list(files)
        for pseudonym, ids in self._found(landing, by_object(files)).items():
            with open_state(self.home.state_file) as state:
                suppress(state, pseudonym, map(self.erased.pseudonyms.hash, ids))
            classes = self.erased.classes[pseudonym]
            people = describe(landing, by_object(kept), {pseudonym: ids}, self.erased.pseudonyms)
            person = people(pseudonym, classes)
            kept = _replaced(
                landing, kept, rewrite_files(landing, kept, person, self.erased.pseudonyms)
            )
        return kept

    def _found(
        self, landing: Landing, files: Mapping[str, list[LandedFile]]
    ) -> dict[str, set[str]]:
        """The ids that these files hold about each erased person."""
        people = list(self.erased.people.items())
        table = pa.table(
            {"hash": [hash for hash, _ in people], "pseudonym": [name for _, name in people]}
        )
        with open_links(landing, files) as connection:
            self.erased.pseudonyms.create_macro(connection)
            connection.register("erased", table)
            seeds: dict[str, set[str]] = defaultdict(set)
            for id, pseudonym in connection.execute(NEW_ABOUT).fetchall():
                seeds[pseudonym].add(id)
            return {name: related(connection, ids) for name, ids in seeds.items()}


def suppression_list(home: Home) -> SuppressionList | None:
    """The suppression list; None when nobody was erased."""
    if not home.state_file.is_file():
        return None
    with open_state(home.state_file) as state:
        found = erased(state)
    return None if found is None else SuppressionList(home, found)


def _replaced(
    landing: Landing, files: Sequence[LandedFile], done: Sequence[Rewritten]
) -> list[LandedFile]:
    after = {item.before.path: item.after for item in done}
    for path in after:
        (landing.root / path).unlink()
    return [after.get(file.path, file) for file in files]
