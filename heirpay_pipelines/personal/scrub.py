"""Taking personal data out of one object's payload."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from heirpay_pipelines.personal.notes_of_law import notes_in
from heirpay_pipelines.personal.paths import CLASSES, NOTE, codes, kept_clause, of_people, rules
from heirpay_pipelines.personal.pseudonyms import Pseudonyms

Object = dict[str, Any]
PSEUDONYMISED = ("id", "fingerprint")
ERASED = "[erased]"
MIN_DIGITS = 7
CODE_ENDINGS = (
    "_id", "_ids", "_code", "_type", "_types", "_status", "_reason", "_currency", "_check",
)  # fmt: skip
MACHINE_WORD = re.compile(r"[A-Za-z0-9_.:/+=#-]{1,255}")
NUMBER_OR_DATE = re.compile(
    r"-?[0-9]{1,12}(?:\.[0-9]{1,12})?|[0-9]{4}-[0-9]{2}(?:-[0-9]{2}[T0-9:.Z+-]*)?"
)

Take = Callable[[str, str, Any], Any]
"""(class, field, value) → what stands there afterwards."""


def collect(obj: Object) -> list[tuple[str, str, str]]:
    """(class, field, value) of every personal text of an object and of those nested in it."""
    found: list[tuple[str, str, str]] = []

    def take(data_class: str, name: str, value: Any) -> Any:
        if isinstance(value, str) and value:
            found.append((data_class, name, value))
        return value

    _objects(obj, take)
    return found


def left_over(obj: Object, names: Collection[str]) -> set[str]:
    """Paths of texts in fields of these names that no rule takes."""
    return set(_paths(_objects(obj, lambda *_: None), names, ""))


def _paths(value: Any, names: Collection[str], path: str) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _paths(item, names, path)
    elif isinstance(value, dict):
        for key, item in value.items():
            here = f"{path}.{key}" if path else key
            if key in names and isinstance(item, str) and item:
                yield here
            yield from _paths(item, names, here)


@dataclass
class Scrubber:
    """Takes the personal data of `classes` out of payloads, by the rules of paths.yaml.

    `texts` are values of the person that are taken out wherever they are quoted, `ids` those that
    become pseudonyms wherever they stand.
    """

    pseudonyms: Pseudonyms
    classes: Collection[str] = CLASSES
    texts: Collection[str] = ()
    ids: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._quoted = pattern(self.texts, re.IGNORECASE)
        self._named = pattern(self.ids)

    def payload(self, obj: Object) -> Object:
        """The object without the person's data: what is listed, and what quotes it."""
        scrubbed = self.quoted(_objects(obj, self._take))
        return scrubbed if isinstance(scrubbed, dict) else obj

    def quoted(self, value: Any) -> Any:
        """`value` with each text of the person taken out of its strings."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.quoted(item) for item in value]
        if isinstance(value, dict):
            return {self.text(name): self.quoted(item) for name, item in value.items()}
        return value

    def text(self, text: str) -> str:
        """One text with the person's values and ids taken out."""
        if self._quoted is not None:
            text = self._quoted.sub(ERASED, text)
        if self._named is not None:
            text = self._named.sub(lambda match: self.ids[match.group()], text)
        return text

    def _take(self, data_class: str, name: str, value: Any) -> Any:
        if data_class not in self.classes or isinstance(value, bool):
            return value
        if name in PSEUDONYMISED and isinstance(value, str):
            whole = set(self.classes) == set(CLASSES)
            return self.pseudonyms.of(value) if whole or name != "id" else value
        return None


def pattern(texts: Collection[str], flags: int = 0) -> re.Pattern[str] | None:
    """One expression for all texts, the longest first. None without any."""
    if not texts:
        return None
    longest = sorted(texts, key=len, reverse=True)
    return re.compile("|".join(re.escape(text) for text in longest), flags)


def distinctive(values: Iterable[tuple[str, str, str]]) -> set[str]:
    """Of `collect`'s values those that can be no one else's by chance, so that every text which
    quotes them is about the person: a city or the last four digits are not."""
    return {value for data_class, name, value in values if _tells(data_class, name, value)}


def _tells(data_class: str, name: str, value: str) -> bool:
    if name in PSEUDONYMISED or len(value) < 6:
        return False
    digits = sum(character.isdigit() for character in value)
    if data_class == "identity":
        return " " in value or digits > 0
    if data_class == "contact":
        return "@" in value or digits >= MIN_DIGITS or "://" in value
    if data_class == "location":
        return " " in value and digits > 0
    return data_class == "payment_instrument" and digits > MIN_DIGITS


def _objects(value: Any, take: Take, owner: str | None = None) -> Any:
    """Apply each object's own rules, outermost first, wherever objects are nested."""
    if isinstance(value, list):
        return [_objects(item, take) for item in value]
    if not isinstance(value, dict):
        return value
    name = value.get("object")
    known = owner or (name if isinstance(name, str) else "")
    seen = _apply(value, rules().get(known, {}), take)
    if known == "quarantine":
        return seen | {"raw": _quarantined(seen.get("raw"), take)}
    # What an event says an object had before is a part of that object, without its name.
    about = _kind(value.get("object")) if "previous_attributes" in value else None
    ruled = rules().get(known, {})
    swept = known in of_people()
    return {
        key: _inside(key, item, known, _rule_of(ruled, key, item), take)
        if swept
        else _objects(item, take, about if key == "previous_attributes" else None)
        for key, item in seen.items()
    }


def _rule_of(ruled: Mapping[str, Any], name: str, value: Any) -> Any:
    """The rule of a field; `*` is meant for what holds more fields."""
    return ruled.get(name, ruled.get("*") if isinstance(value, dict) else None)


def _inside(name: str, value: Any, known: str, rule: Any, take: Take) -> Any:
    """A field of a customer's object, below which no rule speaks of: its texts go, but for what is
    kept. What another object nested there is, its own rules say."""
    if isinstance(rule, str) or (isinstance(rule, Mapping) and "class" in rule):
        return value  # the rule has spoken
    if isinstance(value, list):
        return [_inside(name, item, known, rule, take) for item in value]
    if isinstance(value, dict):
        if isinstance(value.get("object"), str):
            return _objects(value, take)
        below = rule if isinstance(rule, Mapping) else {}
        return {
            key: _inside(key, item, known, _rule_of(below, key, item), take)
            for key, item in value.items()
        }
    if isinstance(value, str) and not is_kept(known, name, value):
        return take("free_text", name, value)
    return value


def kept_texts(obj: Object) -> set[tuple[str, str]]:
    """(object, field) of what an object of a customer holds that a law demands kept."""
    found: set[tuple[str, str]] = set()
    _clauses(obj, "", found)
    return found


def _clauses(value: Any, owner: str, found: set[tuple[str, str]]) -> None:
    if isinstance(value, list):
        for item in value:
            _clauses(item, owner, found)
    elif isinstance(value, dict):
        name = value.get("object")
        owner = name if isinstance(name, str) else owner
        for key, item in value.items():
            if _is_text(item) and owner in of_people():
                if kept_clause(owner, key) is not None:
                    found.add((owner, key))
            elif key == "previous_attributes":
                _clauses(item, _kind(value.get("object")) or "", found)
            else:
                _clauses(item, owner, found)


def _is_text(value: Any) -> bool:
    texts = value if isinstance(value, list) else [value]
    return bool(texts) and all(isinstance(text, str) and text for text in texts)


def is_kept(object_name: str, field: str, value: str) -> bool:
    """Whether a text of a customer's object, of which no rule speaks, stays: what a law demands, a
    machine's word, an id, a number, a date."""
    if not value or kept_clause(object_name, field) is not None:
        return True
    if field == "id" or field in codes() or field.endswith(CODE_ENDINGS):
        return MACHINE_WORD.fullmatch(value) is not None
    return NUMBER_OR_DATE.fullmatch(value) is not None


def _kind(value: Any) -> str | None:
    kind = value.get("object") if isinstance(value, dict) else None
    return kind if isinstance(kind, str) else None


def _quarantined(raw: Any, take: Take) -> Any:
    """What Stripe answered, as JSON text. Of what is no known object nobody can say where the
    personal data is: none of it is left."""
    try:
        answered = orjson.loads(raw)
    except (orjson.JSONDecodeError, TypeError):
        answered = None
    if _kind(answered) in rules():
        return orjson.dumps(_objects(answered, take)).decode()
    return orjson.dumps(_below(answered, "free_text", (), "raw", take)).decode()


def _apply(value: Object, rule: Mapping[str, Any], take: Take) -> Object:
    if not rule:
        return value
    every = rule.get("*")
    return {
        key: _rule(item, rule.get(key, every), key, take) if key in rule or every else item
        for key, item in value.items()
    }


def _rule(value: Any, rule: Any, name: str, take: Take) -> Any:
    if value is None:
        return None
    if isinstance(value, list):
        return [_rule(item, rule, name, take) for item in value]
    if rule == NOTE:
        return _note(value, name, take)
    if isinstance(rule, str):
        return _below(value, rule, (), name, take)
    # `*` of an object meets its scalars (type, created) and expanded objects, too: not meant.
    if not isinstance(value, dict) or isinstance(value.get("object"), str):
        return value
    if "class" in rule:
        return _below(value, rule["class"], rule["but"], name, take)
    return _apply(value, rule, take)


def _note(value: Any, name: str, take: Take) -> Any:
    """A text without all but the notes that the law demands."""
    left = take("free_text", name, value)
    if left is not None or not isinstance(value, str):
        return left
    notes = notes_in(value)
    if not notes:
        return None
    return value if value.strip(" .;,") in notes else ", ".join([*notes, ERASED])


def _below(value: Any, data_class: str, but: Collection[str], name: str, take: Take) -> Any:
    if isinstance(value, dict):
        return {key: _below(item, data_class, but, key, take) for key, item in value.items()}
    if isinstance(value, list):
        return [_below(item, data_class, but, name, take) for item in value]
    if value is None or (name in but and not _is_prose(value)):
        return value
    return take(data_class, name, value)


def _is_prose(value: Any) -> bool:
    """Whether a field of machine words holds something else."""
    return isinstance(value, str) and MACHINE_WORD.fullmatch(value) is None
