"""The audit log and who did what in it."""

from __future__ import annotations

from datetime import datetime, timedelta

from heirpay_pipelines.audit import verify
from heirpay_pipelines.audit.actions import CONFIGURES, DECIDES, PARTS_OF_THE_PIPELINE
from heirpay_pipelines.audit.heads import kept_heads
from heirpay_pipelines.audit.landed import verify_landed
from heirpay_pipelines.controls.probes.given import ProbeInput
from heirpay_pipelines.controls.register import load_register
from heirpay_pipelines.controls.results import Outcome, judge, not_applicable, not_evaluated
from heirpay_pipelines.controls.waivers import standing_waivers
from heirpay_pipelines.host.person import Person, names_of
from heirpay_pipelines.state.database import open_state

RETENTION = timedelta(days=365)


def audit_chain(given: ProbeInput) -> Outcome:
    """The hash chain is whole, also against the heads kept in reports and the warehouse, and the
    landed manifests are those that it holds; another control hashes the files that they list.

    A head that cannot be read is named and stops nothing: the night may be what writes it anew.
    """
    home = given.run.settings
    kept = kept_heads(home)
    with open_state(home.state_file) as state:
        checked = verify(state, kept.heads)
        landed = verify_landed(home, state, files=False)
    if not checked.records and not checked.findings:
        return not_evaluated("the audit log is empty: nothing was recorded yet")
    ids = [f"{finding.kind} at {finding.sequence}" for finding in checked.findings]
    ids += [finding.detail for finding in landed.findings]
    return judge(
        checked.records,
        ids,
        head=str(checked.head),
        heads=len(kept.heads),
        unreadable_heads=list(kept.faults),
        manifests=landed.manifests,
    )


def run_recorded(given: ProbeInput) -> Outcome:
    """Every run of the last year stands in the audit log."""
    with open_state(given.run.settings.state_file) as state:
        runs = [
            row["run_id"]
            for row in state.rows(
                "select run_id from runs where outcome in ('published', 'refused')"
            )
        ]
        logged = {
            row["subject"]
            for row in state.rows("select subject from audit_log where action like 'run%'")
        }
    if not runs:
        return not_applicable("no earlier run has ended")
    return judge(len(runs), sorted(set(runs) - logged))


def log_retention(given: ProbeInput) -> Outcome:
    """Twelve months of the log are there, or all since the first run (PCI DSS 10.5.1)."""
    with open_state(given.run.settings.state_file) as state:
        first_log = state.rows("select min(occurred_at) as at, count(*) as n from audit_log")[0]
        first_run = state.rows("select min(started_at) as at from runs")[0]["at"]
    if not first_log["n"]:
        return not_evaluated("the audit log is empty: nothing was recorded yet")
    began = datetime.fromisoformat(first_log["at"])
    # A young installation has no older log than its first run.
    first = datetime.fromisoformat(first_run) if first_run else began
    needed = max(given.run.checked_at - RETENTION, first)
    late = [] if began <= needed + timedelta(days=1) else [f"log begins {began:%Y-%m-%d}"]
    return judge(int(first_log["n"]), late, begins=began.isoformat())


def segregation_of_duties(given: ProbeInput) -> Outcome:
    """Who resolved, closed, waived or attested within a year is not who configured in it (SOX 404);
    the evidence names what each of them did of both."""
    done = {"configures": CONFIGURES, "decides": DECIDES}
    since = (given.run.checked_at - RETENTION).isoformat()
    with open_state(given.run.settings.state_file) as state:
        rows = state.rows(
            "select actor, json_extract(detail, '$.by') as name, action, count(*) as n"
            " from audit_log where occurred_at >= ? group by 1, 2, 3 order by 1, 2, 3",
            (since,),
        )
    people = {
        kind: {
            Person(row["actor"], row["name"])
            for row in rows
            if row["action"] in actions and row["actor"] not in PARTS_OF_THE_PIPELINE
        }
        for kind, actions in done.items()
    }
    if not people["decides"] or not people["configures"]:
        return not_applicable("nobody has both configured and decided anything in a year")
    configured = {name for person in people["configures"] for name in names_of(person)}
    both = sorted(person for person in people["decides"] if configured & names_of(person))
    sought = {name for person in both for name in names_of(person)}
    acts: dict[str, dict[str, int]] = {}
    for row in rows:
        if names_of(Person(row["actor"], row["name"])) & sought:
            acts.setdefault(row["actor"], {})[row["action"]] = row["n"]
    return judge(len(people["decides"]), both, unit="people who decided", acts=acts)


def risk_acceptances(given: ProbeInput) -> Outcome:
    """Every accepted failure was approved by another person and is looked at again in time (PCI
    DSS 12.3.1): no waiver stands beyond its date."""
    run = given.run
    with open_state(run.settings.state_file) as state:
        standing = standing_waivers(state, run.checked_at)
    of_the_register = {c.key: c.waiver.expires for c in load_register() if c.waiver}
    ends = of_the_register | {key: waiver.expires for key, waiver in standing.items()}
    if not ends:
        return not_applicable("no failure is accepted: there is no waiver")
    late = [f"{key} until {end}" for key, end in ends.items() if run.as_of.date() > end]
    return judge(len(ends), sorted(late), unit="waivers")
