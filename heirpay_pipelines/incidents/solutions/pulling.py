"""Asking Stripe again for the objects concerned: what is stale here may be whole there."""

from __future__ import annotations

import json

from heirpay_pipelines.gateways.stripe.refetch import Asked, resource_of
from heirpay_pipelines.gateways.stripe.refetch import pull_again as ask_stripe
from heirpay_pipelines.incidents.facts import Attempt, Night
from heirpay_pipelines.incidents.incidents import Incident, read
from heirpay_pipelines.incidents.warehouse import NotBuiltError, rows

ID_COLUMNS = ("object_id", "related_object_id", "charge_id", "dispute_id")
MAX_OBJECTS = 100  # for one incident; a full pull (`heirpay run --full`) is the way for more
PLANNED = "select incident_id from incident_attempts where solution = ? and status = 'planned'"


def pull_again(night: Night, incident: Incident) -> Attempt:
    """Pull the objects concerned again; the next night computes with what Stripe answered.

    All incidents of an evaluation are asked for together: one pull, one manifest.
    """
    wanted = _objects(night, incident)
    if not wanted:
        return Attempt("not_applicable", "no object of Stripe is concerned")
    answers = _answers(night, incident)
    found = [answers[id] for id in wanted if id in answers]
    if not found:
        return Attempt("not_applicable", "nothing was pulled yet: the first pull reads everything")
    landed = sum(answer.landed for answer in found)
    items = tuple({"object": a.id, "landed": a.landed, "detail": a.detail} for a in found)
    status = "done" if landed else "failed"
    detail = f"{landed} of {len(found)} objects were pulled again"
    return Attempt(status, detail, items, effect=landed)


def _answers(night: Night, incident: Incident) -> dict[str, Asked]:
    if "pulled_again" not in night.shared:
        ids = {row["incident_id"] for row in night.state.rows(PLANNED, ("pull_again",))}
        wanted: list[str] = []
        for name in sorted(ids | {incident["incident_id"]}):
            wanted += _objects(night, read(night.state, name))
        asked = ask_stripe(night.account, wanted, night.run.as_of)
        night.shared["pulled_again"] = {answer.id: answer for answer in asked}
    found: dict[str, Asked] = night.shared["pulled_again"]
    return found


def _objects(night: Night, incident: Incident) -> list[str]:
    """Ids of the objects that stand in the incident's rows or that its control names."""
    evidence = json.loads(incident["evidence"])
    names = [str(name).split(maxsplit=1)[0] for name in evidence.get("ids") or () if str(name)]
    if not names and incident["scope"].startswith(("breaks", "payments:", "risk:")):
        try:
            listed = rows(night, f"select * from ({evidence['rows']}) limit {MAX_OBJECTS}")
        except NotBuiltError:
            return []
        names = [str(row[c]) for row in listed for c in ID_COLUMNS if row.get(c)]
    return [name for name in dict.fromkeys(names) if resource_of(name)][:MAX_OBJECTS]
