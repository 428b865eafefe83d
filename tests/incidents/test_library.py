"""The pattern library, the code behind it and the runbooks hold together."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from heirpay_pipelines.incidents.patterns import identifier, pattern_of, patterns
from heirpay_pipelines.incidents.runbooks import Runbook, learn, library, search
from heirpay_pipelines.incidents.solutions import SOLUTIONS


def test_the_library_has_what_the_domain_asks_for() -> None:
    found = patterns().values()
    assert len(found) == 3
    assert sum(len(pattern.symptoms) for pattern in found) == 13
    assert sum(len(pattern.strike_1) for pattern in found) == 9
    assert sum(len(pattern.strike_2) for pattern in found) == 9
    assert sum(len(pattern.triggers) for pattern in found) == 7
    steps = [symptom.step for pattern in found for symptom in pattern.symptoms.values()]
    assert sorted(steps) == list(range(1, 14))


def test_every_solution_is_code_and_all_code_is_a_solution() -> None:
    named = {s for p in patterns().values() for s in (*p.strike_1, *p.strike_2)}
    assert SOLUTIONS.keys() - named == {"pull_again"}  # the first step of two runbooks
    assert named < SOLUTIONS.keys()


def test_every_shipped_runbook_names_a_known_symptom_and_known_steps(tmp_path: Path) -> None:
    books = library(tmp_path)
    assert len(books) >= 5
    for book in books:
        assert pattern_of(book.symptom) == book.pattern
        assert set(book.steps) <= SOLUTIONS.keys()
        assert book.text


def test_an_identifier_has_the_form_of_the_domain() -> None:
    assert (
        identifier("heirpay", "missing_notifications")
        == "PAYMENT.HEIRPAY.WEBHOOK_INTEGRATION.WEBHOOK.20000.007"
    )
    with pytest.raises(LookupError):
        pattern_of("bad_weather")


def book(name: str, symptom: str, context: str, band: int, proven: int) -> Runbook:
    return Runbook(name, "webhook_issues", symptom, context, band, (), (), proven, "")


def test_search_prefers_symptom_then_context_then_impact_then_proof() -> None:
    books = [
        book("other symptom", "webhook_timeouts", "PCI DSS", 2, 9),
        book("other context", "missing_notifications", "GDPR", 2, 9),
        book("other impact", "missing_notifications", "PCI DSS", 0, 9),
        book("less proven", "missing_notifications", "PCI DSS", 2, 1),
        book("best", "missing_notifications", "PCI DSS", 2, 2),
    ]
    found = search(books, "webhook_issues", "missing_notifications", "PCI DSS", Decimal(5_000))
    assert [b.name for b in found] == [
        "best",
        "less proven",
        "other impact",
        "other context",
        "other symptom",
    ]
    assert search(books, "transaction_failures", "x", "none", Decimal(0)) == []


def test_learning_proves_a_known_way_and_adds_a_new_one_once(tmp_path: Path) -> None:
    args = ("compliance_violations", "unauthorised_access", "PCI DSS", Decimal(0))
    known, new = learn(tmp_path, "inc_1", *args, ["restrict_access"])
    assert (known.name, known.proven, new) == ("files-open-to-others", 1, False)
    known, new = learn(tmp_path, "inc_1", *args, ["restrict_access"])
    assert (known.proven, new) == (1, False)
    known, new = learn(tmp_path, "inc_2", *args, ["restrict_access"])
    assert (known.proven, new) == (2, False)
    another, new = learn(tmp_path, "inc_3", *args, ["Ask the host's owner to fix the umask"])
    assert (another.proven, new) == (1, True)
    assert {known.name, another.name} <= {b.name for b in library(tmp_path)}
    assert (tmp_path / "runbooks" / f"{another.name}.md").stat().st_mode & 0o077 == 0


def test_a_malformed_runbook_is_named(tmp_path: Path) -> None:
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "mine.md").write_text("# no front matter")
    with pytest.raises(ValueError, match="runbook mine has no valid front matter"):
        library(tmp_path)
