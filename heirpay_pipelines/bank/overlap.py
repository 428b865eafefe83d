"""Which bookings of a statement are ones that are landed already.

A booking is identified by the statement that holds it. Equal bookings of one day are two when the
statements follow each other, and one when the statements overlap; so statements are compared, day
by day, never single lines.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

from heirpay_pipelines.bank.statement import Line, Statement

MOST_ALONE = 12
Claims = dict[int, str]
"""By a line's place in its statement, the id of the landed booking that it is."""


@dataclass(frozen=True)
class HeldLine:
    """A landed booking as one statement holds it."""

    id: str
    booked_on: date
    amount: int
    reference: str
    description: str


@dataclass
class HeldStatement:
    """A landed statement. `is_earlier` marks one of release 0.1.0, whose texts were read
    otherwise and whose days could be UTC's."""

    kind: str
    statement_id: str
    opening: int | None
    closing: int | None
    first_on: date | None
    last_on: date | None
    is_final: bool = True
    is_numbered: bool = False
    is_earlier: bool = False
    lines: list[HeldLine] = field(default_factory=list)


def booking_id(statement: Statement, line: Line, occurrence: int) -> str:
    """The id of a booking: what was booked, and the how manieth of its like it is."""
    return f"bank_{hashed(*_booked(statement, line), str(occurrence))}"


def hashed(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:24]


def new_ids(statement: Statement, claims: Claims, used: Collection[str]) -> Iterator[str]:
    """The id of each line: the landed booking's that it is, else the next that is free."""
    taken = set(claims.values())
    counted: Counter[tuple[str, ...]] = Counter()
    for place, line in enumerate(statement.lines):
        if place in claims:
            yield claims[place]
            continue
        key = _booked(statement, line)
        while True:
            counted[key] += 1
            found = booking_id(statement, line, counted[key])
            if found not in used and found not in taken:
                break
        yield found


def claimed(statement: Statement, kind: str, held: Iterable[HeldStatement]) -> Claims:
    """The lines of a statement that landed statements of the same account and currency hold."""
    overlapping: list[HeldStatement] = []
    barred: set[str] = set()
    for other in held:
        is_another = _is_another(statement, kind, other)
        same_period = (statement.first_on, statement.last_on) == (other.first_on, other.last_on)
        if _follows(statement, other, is_another) or (is_another and same_period):
            # What the statement before or after this one holds is none of this one's bookings.
            barred |= {line.id for line in other.lines}
        else:
            overlapping.append(other)
    claims: Claims = {}
    for other in sorted(overlapping, key=lambda other: other.is_earlier):
        claims |= _matched(statement, kind, other, claims, barred)
    return claims


def _booked(statement: Statement, line: Line) -> tuple[str, ...]:
    return (
        statement.account, statement.currency, line.booked_on.isoformat(), str(line.amount),
        line.reference, line.description,
    )  # fmt: skip


def _follows(statement: Statement, other: HeldStatement, is_another: bool) -> bool:
    """Whether one begins with the balance that the other ended with."""
    balances = (statement.opening, statement.closing, other.opening, other.closing)
    if None in balances or not (statement.first_on and statement.last_on):
        return False
    if not (other.first_on and other.last_on):
        return False
    is_still = statement.opening == statement.closing or other.opening == other.closing
    if is_still and not is_another:
        return False  # a balance that did not move does not show which of the two is first
    after = statement.opening == other.closing and statement.first_on >= other.last_on
    before = statement.closing == other.opening and statement.last_on <= other.first_on
    return after or before


def _is_another(statement: Statement, kind: str, other: HeldStatement) -> bool:
    """Whether the bank gave the two different numbers."""
    return (
        kind == other.kind
        and statement.is_numbered
        and other.is_numbered
        and statement.statement_id != other.statement_id
        and statement.is_final
        and other.is_final
    )


def _matched(
    statement: Statement, kind: str, other: HeldStatement, claims: Claims, barred: set[str]
) -> Claims:
    """Pairs of this and the other statement's lines, where day by day one holds all of what the
    other holds; of interim reports those with the same reference in any case."""
    is_same = (
        kind == other.kind
        and statement.is_numbered
        and (statement.statement_id, statement.first_on, statement.last_on)
        == (other.statement_id, other.first_on, other.last_on)
    )
    is_loose = other.is_earlier or kind != other.kind
    theirs: dict[date, list[HeldLine]] = defaultdict(list)
    for held in other.lines:
        theirs[held.booked_on].append(held)
    ours: dict[date, list[int]] = defaultdict(list)
    for place, line in enumerate(statement.lines):
        ours[_day(line, other)].append(place)
    found: Claims = {}
    known = {held.id for held in other.lines}
    shared = {place: id for place, id in claims.items() if id in known}
    is_contained = True
    for day, places in ours.items():
        if day not in theirs:
            continue
        free = [place for place in places if place not in claims]
        pairs = _pairs(statement, free, [h for h in theirs[day] if h.id not in barred], is_loose)
        found |= pairs
        repeated = sum(place in shared for place in places)
        is_contained &= len(pairs) + repeated in (len(places), len(theirs[day]))
    if is_same or (is_contained and _agree(statement, other, ours, theirs, shared | found)):
        return {place: id for place, id in found.items() if id not in claims.values()}
    if statement.is_final and other.is_final:
        return {}
    references = {held.id: held.reference for held in other.lines if held.reference}
    return {
        place: id
        for place, id in found.items()
        if references.get(id) == statement.lines[place].reference and id not in claims.values()
    }


def _agree(
    statement: Statement,
    other: HeldStatement,
    ours: dict[date, list[int]],
    theirs: dict[date, list[HeldLine]],
    shared: Claims,
) -> bool:
    """Whether the balances allow that the two share these lines: on the first day that they share
    both have the same balance, but for lines of that day that only one of them holds."""
    if statement.opening is None or other.opening is None or not shared:
        return True
    first = min(day for day, places in ours.items() if any(place in shared for place in places))
    before = sum(
        statement.lines[place].amount for day, at in ours.items() if day < first for place in at
    )
    there = sum(held.amount for day, of in theirs.items() if day < first for held in of)
    difference = statement.opening + before - other.opening - there
    ids = set(shared.values())
    alone = [held.amount for held in theirs[first] if held.id not in ids]
    alone += [-statement.lines[place].amount for place in ours[first] if place not in shared]
    if len(alone) > MOST_ALONE:
        return True
    sums = {0}
    for amount in alone:
        sums |= {total + amount for total in sums}
    return difference in sums


def _pairs(
    statement: Statement, places: list[int], theirs: list[HeldLine], is_loose: bool
) -> Claims:
    """Lines of one day, one to one: by id, by reference, by text, and where the other statement
    was read otherwise by amount, the ones with most words in common first."""
    found: Claims = {}
    left = {held.id: held for held in theirs}
    ids = _own_ids(statement, places, len(theirs))
    for place in places:
        for id in ids[place]:
            if id in left:
                found[place] = id
                del left[id]
                break
    for key in (_by_reference, _by_text):
        waiting: dict[tuple[int, str], list[str]] = defaultdict(list)
        for held in left.values():
            waiting[held.amount, key(held)].append(held.id)
        for place in places:
            line = statement.lines[place]
            same = waiting.get((line.amount, key(line)), []) if key(line) else []
            if place not in found and same:
                found[place] = same.pop()
                del left[found[place]]
    if is_loose:
        _pair_by_amount(statement, [p for p in places if p not in found], left, found)
    return found


def _pair_by_amount(
    statement: Statement, places: list[int], left: dict[str, HeldLine], found: Claims
) -> None:
    by_amount: dict[int, list[HeldLine]] = defaultdict(list)
    for held in left.values():
        by_amount[held.amount].append(held)
    for place in places:
        line = statement.lines[place]
        same = by_amount.get(line.amount)
        if same:
            words = _words(line)
            best = max(same, key=lambda held: len(words & _words(held)))
            same.remove(best)
            found[place] = best.id


def _own_ids(statement: Statement, places: list[int], most: int) -> dict[int, list[str]]:
    """The ids that each line would have as the first, second, … of its like."""
    return {
        place: [
            booking_id(statement, statement.lines[place], n) for n in range(1, min(most, 50) + 1)
        ]
        for place in places
    }


def _by_reference(line: Line | HeldLine) -> str:
    return line.reference


def _by_text(line: Line | HeldLine) -> str:
    return "" if line.reference else line.description


def _words(line: Line | HeldLine) -> frozenset[str]:
    return frozenset(f"{line.reference} {line.description}".upper().split())


def _day(line: Line, other: HeldStatement) -> date:
    is_of_utc = other.is_earlier and other.kind == "ofx" and line.utc_day is not None
    return line.utc_day if is_of_utc and line.utc_day else line.booked_on
