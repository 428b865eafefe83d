"""Which key a home has and which it is to have, and the note that remembers both in between."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from heirpay_pipelines.at_rest import EncryptionKeyError, derived_key, keyed, sealed
from heirpay_pipelines.at_rest.keys import ROTATION, VARIABLE, require_strength
from heirpay_pipelines.at_rest.places import sync_folder
from heirpay_pipelines.at_rest.sqlite import connect


class RotationError(Exception):
    """The key cannot be rotated (now). The message says what to do."""


@dataclass(frozen=True)
class Keys:
    """A rotation from one key to another; None is no key: plain. `id` names the rotation."""

    id: str
    old: str | None = field(repr=False)
    new: str | None = field(repr=False)


def begin(state_file: Path, given: str | None, new: str | None) -> Keys:
    """Note the rotation beside the state file before anything changes, or take up the one that
    was interrupted. `given` is the key that is set now.

    Raises RotationError when the given keys are not those of the home, or of the rotation.
    """
    note = state_file.with_name(ROTATION)
    if note.is_file():
        return _taken_up(_read(note), given, new)
    old = _current(state_file, given)
    if old == new:
        raise RotationError(
            "The home has this key already: give the new one with --new-key-file FILE "
            "(- reads it from the standard input)."
        )
    if new:
        _require_strength(new)
    keys = Keys(f"{datetime.now(UTC):r%Y%m%dT%H%M%S%f}", old, new)
    record = {"id": keys.id, "old": _mark(keys.id, old), "new": _mark(keys.id, new)}
    partial = note.with_suffix(".partial")
    sealed.write(partial, json.dumps(record).encode(), None)
    partial.replace(note)
    sync_folder(note.parent)
    return keys


def _require_strength(new: str) -> None:
    try:
        require_strength(new)
    except EncryptionKeyError as error:
        raise RotationError(str(error)) from None


def _read(note: Path) -> dict[str, str | None]:
    try:
        record = json.loads(note.read_bytes())
        return {name: record[name] for name in ("id", "old", "new")}
    except (ValueError, KeyError, TypeError):
        raise RotationError(
            f"state/{note.name} is damaged: remove it, set {VARIABLE} to the key that the home had "
            "before, and give the same new key again; what is left is done then."
        ) from None


def end(state_file: Path) -> None:
    """Everything has the new key: the home may be opened again."""
    state_file.with_name(ROTATION).unlink()
    sync_folder(state_file.parent)


def _taken_up(record: dict[str, str | None], given: str | None, new: str | None) -> Keys:
    name = str(record["id"])
    if _mark(name, new) != record["new"]:
        raise RotationError(
            "A rotation to another new key was interrupted: end it with that key first, then "
            "rotate again."
        )
    for old in (given, None):
        if _mark(name, old) == record["old"]:
            return Keys(name, old, new)
    raise RotationError(
        f"A rotation was interrupted: set {VARIABLE} to the key that the home had before it, and "
        "give the new one with --new-key-file."
    )


def _current(state_file: Path, given: str | None) -> str | None:
    """The key that opens the state file: the one that is set, or none."""
    if not state_file.is_file():
        raise RotationError("This HEIRPAY_HOME holds nothing yet: simply set the key and run.")
    for key in dict.fromkeys((given, None)):
        try:
            connect(keyed(state_file, key)).close()
        except EncryptionKeyError as error:
            refused = error
        else:
            return key
    raise RotationError(str(refused))


def _mark(rotation: str, key: str | None) -> str | None:
    """What recognises a key without telling it."""
    return derived_key(key, f"heirpay key rotation {rotation}").hex() if key else None
