"""What an answer is asked to hold beyond its plain form, as far as the key may ask for it.

What is expanded needs a permission of its own: without it, objects are read without that part.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from heirpay_pipelines.gateways.errors import (
    ExpansionRefusedError,
    NotReadableError,
    TransientError,
    first_of,
)
from heirpay_pipelines.gateways.stripe.client import Client
from heirpay_pipelines.gateways.stripe.event_log import Tally
from heirpay_pipelines.gateways.stripe.resources import RESOURCES, Resource

WITHOUT_PARTS = " without parts"
REFUSED = (NotReadableError, ExpansionRefusedError)
Read = Callable[[Resource, Tally], Awaitable[None]]


@dataclass
class Expansions:
    """Finds out, once for each resource that is refused, which of its expansions are not."""

    client: Client
    _plain: dict[str, Resource] = field(default_factory=dict)

    def of(self, resource: Resource) -> Resource:
        """The resource with the expansions that the key may ask for, as far as that is known."""
        return self._plain.get(resource.path, resource)

    def lost(self, resource: Resource) -> tuple[str, ...]:
        """What of the resource the key may not ask for, as far as that is known."""
        allowed = self.of(resource).expand
        return tuple(path for path in resource.expand if path not in allowed)

    async def regained(self, cursors: Mapping[str, int]) -> Mapping[str, int]:
        """The cursors without those of resources that earlier pulls read in part, and that the key
        may now ask for as a whole: they are listed in full, as no event tells of a permission."""
        regained = set()
        for resource in RESOURCES:
            if resource.object_name + WITHOUT_PARTS in cursors:
                try:
                    if await self._answers(resource, resource.expand):
                        regained.add(resource.object_name)
                    else:
                        await self._reduce(resource)
                except TransientError:  # the next night asks again
                    self._plain[resource.path] = replace(resource, expand=())
        return {name: reached for name, reached in cursors.items() if name not in regained}

    def noted(self, cursors: Mapping[str, int], reached: int) -> dict[str, int]:
        """The cursors, and a note for each resource that was read in part."""
        kept = {name: at for name, at in cursors.items() if not name.endswith(WITHOUT_PARTS)}
        lost = [resource.object_name for resource in RESOURCES if self.lost(resource)]
        return kept | {name + WITHOUT_PARTS: reached for name in lost}

    async def read(self, resource: Resource, read: Read, tally: Tally) -> None:
        """Read with the resource's expansions, or with those that are left of them. Raises what
        `read` raises when it is not for want of an expansion."""
        try:
            await read(self.of(resource), tally)
        except (*REFUSED, BaseExceptionGroup) as errors:
            error = first_of(errors) if isinstance(errors, BaseExceptionGroup) else errors
            if not isinstance(error, REFUSED) or not await self._reduce(resource):
                raise
            await read(self.of(resource), tally)
        if lost := self.lost(resource):
            tally.note = f"without {', '.join(lost)}: the key may not expand it"

    async def _reduce(self, resource: Resource) -> bool:
        """Find what the key may expand; False when the refusal is of something else."""
        if not resource.expand or resource.path in self._plain:
            return False
        if not await self._answers(resource, ()):
            return False
        allowed = []
        for path in resource.expand:
            parts = path.split(".")
            # What holds the refused part may be expanded: a discount without its coupon.
            for candidate in (".".join(parts[:n]) for n in range(len(parts), 0, -1)):
                if await self._answers(resource, (candidate,)):
                    allowed.append(candidate)
                    break
        self._plain[resource.path] = replace(resource, expand=tuple(allowed))
        return tuple(allowed) != resource.expand

    async def _answers(self, resource: Resource, paths: tuple[str, ...]) -> bool:
        asked = {"expand": [f"data.{path}" for path in paths]} if paths else {}
        try:
            await self.client.get(resource.path, {"limit": 1, **dict(resource.params)} | asked)
        except REFUSED:
            return False
        return True
