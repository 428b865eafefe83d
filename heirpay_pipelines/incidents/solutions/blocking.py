"""What is done about card testing: a block list is proposed. A person approves and applies it."""

from __future__ import annotations

from heirpay_pipelines.incidents.facts import Attempt, Night
from heirpay_pipelines.risk.proposals import items_of, propose
from heirpay_pipelines.risk.rules import find_rule

AUTHOR, RULE = "escalate", "guest_cards"


def propose_blocking(night: Night) -> Attempt:
    """Propose to block the cards that the rule of guests' cards flagged; nothing changes at Stripe.

    Made again it finds nothing new: the same values are proposed once.
    """
    rule = find_rule(night.home.folder, RULE)
    made = propose(night.home, night.state, rule, AUTHOR, warehouse=night.warehouse)
    if made is None:
        return Attempt(
            "not_applicable", f"rule {RULE} flagged nothing that is not proposed already"
        )
    items = items_of(night.state, made["proposal_id"])
    return Attempt(
        "done",
        f"{made['proposal_id']} proposes {len(items)} values for {made['value_list']}; a person"
        f" approves it: heirpay risk proposals approve {made['proposal_id']}",
        ({"proposal_id": made["proposal_id"], "values": len(items)},),
    )
