"""Whether every file of the home is whole, and for each that is not the way back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from heirpay_pipelines.at_rest import EncryptionKeyError, sealed
from heirpay_pipelines.at_rest.signing import SigningKeyError, installation_key
from heirpay_pipelines.at_rest.sqlite import DamagedFileError, connect
from heirpay_pipelines.landing.landing import is_whole
from heirpay_pipelines.landing.manifest import WAY_BACK, LandingError, Manifest, read_manifest
from heirpay_pipelines.orchestration.dagster_files import damaged_files
from heirpay_pipelines.published_file import is_as_published
from heirpay_pipelines.report.latest import fault_of_latest
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state.database import open_state

READ_AGAIN = (
    "Restore it from a backup, or give it up with `heirpay repair`: the next `heirpay run` reads "
    "its span again."
)
BACKUP = "Restore it from a backup (docs/how-to/recovery.md)."
MARKS = {False: b"PAR1", True: b"PARE"}
"""How a Parquet file begins and ends: plain, and encrypted."""


@dataclass(frozen=True)
class Fault:
    """A file of the home, below HEIRPAY_HOME, what is wrong with it, and the way back."""

    file: str
    what: str
    way_back: str

    def __str__(self) -> str:
        return f"{self.file} {self.what}. {self.way_back}"


@dataclass(frozen=True)
class Part:
    """A part of the home: how many files of it were looked at, and what is wrong."""

    name: str
    files: int
    faults: tuple[Fault, ...]


def verify_home(settings: Settings) -> Iterator[Part]:
    """Every part of the home, every file of it read."""
    yield landed(settings, whole=True)
    state = _state(settings)
    yield state
    if not state.faults:
        yield _inbox(settings)
        yield _audit(settings)
    yield _published(settings)
    yield _sealed(settings)
    yield signing_key(settings)
    latest = fault_of_latest(settings.reports_dir)
    way = "The next `heirpay run` puts it right."
    faults = (Fault("reports/latest", latest, way),) if latest else ()
    yield Part("reports/latest", 1, faults)
    yield _dagster(settings)


def landed(settings: Settings, *, whole: bool) -> Part:
    """Manifests and landed files: with `whole` held against their checksums, else whether they are
    there and begin and end as Parquet does, encrypted with a key and plain without one."""
    faults, files = [], 0
    for path in sorted((settings.landing_dir / "manifests").glob("*.json")):
        files += 1
        try:
            manifest = read_manifest(path)
        except LandingError as error:
            what = str(error).removesuffix(WAY_BACK).strip().rstrip(".")
            name = f"landing/manifests/{path.name}"
            faults.append(Fault(name, what.removeprefix(f"{name} "), _sentence(WAY_BACK)))
            continue
        files += len(manifest.files)
        faults += _files_of(settings, manifest, whole)
    return Part("Landing", files, tuple(faults))


def said_of_landing(settings: Settings) -> str | None:
    """One line about the first manifest or Parquet file that cannot be read, or None."""
    faults = landed(settings, whole=False).faults
    more = f" ({len(faults) - 1} more: `heirpay doctor`)" if len(faults) > 1 else ""
    return f"{faults[0]}{more}" if faults else None


def _files_of(settings: Settings, manifest: Manifest, whole: bool) -> Iterator[Fault]:
    mark = MARKS[settings.key is not None]
    for file in manifest.files:
        path, name = settings.landing_dir / file.path, f"landing/{file.path}"
        if not path.is_file():
            yield Fault(name, "is missing", READ_AGAIN)
        elif whole and not is_whole(path, file):
            yield Fault(name, "does not match its checksum", READ_AGAIN)
        elif _ends(path) != (mark, mark):
            kind = "an encrypted" if settings.key else "a plain"
            yield Fault(name, f"is not {kind} Parquet file", READ_AGAIN)


def _ends(path: Path) -> tuple[bytes, bytes]:
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(max(0, path.stat().st_size - 4))
        return head, file.read(4)


def _state(settings: Settings) -> Part:
    path, name = settings.state_file, "state/heirpay.sqlite"
    way = "Restore it from a backup, or begin a new one with `heirpay repair`."
    if not path.is_file():
        return Part("State file", 0, ())
    try:
        connection = connect(path)
        try:
            found = str(connection.execute("pragma integrity_check(1)").fetchone()[0])
        finally:
            connection.close()
    except (DamagedFileError, EncryptionKeyError) as error:
        return Part("State file", 1, (Fault(name, f"cannot be read: {_short(error)}", way),))
    except Exception as error:
        if type(error).__name__ != "DatabaseError":  # SQLite's or SQLCipher's: malformed
            raise
        found = str(error)
    faults = () if found == "ok" else (Fault(name, f"is damaged ({found.split(chr(10))[0]})", way),)
    return Part("State file", 1, faults)


def _inbox(settings: Settings) -> Part:
    from heirpay_pipelines.receive.stored_bodies import fault_of_body

    way = "The next `heirpay run` quarantines it and asks Stripe for the event again."
    with open_state(settings.state_file) as state:
        rows = state.rows("select event_id, body, sha256 from webhook_bodies")
    faults = []
    for row in rows:
        body = row["body"].encode() if isinstance(row["body"], str) else row["body"]
        if fault := fault_of_body(row["event_id"], body, row["sha256"]):
            faults.append(Fault(f"the stored body of {row['event_id']}", fault, way))
    return Part("Webhook inbox", len(rows), tuple(faults))


def _audit(settings: Settings) -> Part:
    from heirpay_pipelines.audit import verify
    from heirpay_pipelines.audit.heads import kept_heads
    from heirpay_pipelines.audit.landed import verify_landed
    from heirpay_pipelines.audit.published import verify_published

    kept = kept_heads(settings)
    with open_state(settings.state_file) as state:
        checked = verify(state, kept.heads)
        _, changed = verify_published(settings, state)
        pulls = verify_landed(settings, state, files=False)
    way = "`heirpay audit verify` shows all of it; where nobody lost it, call the security officer."
    faults = [
        Fault("the audit log", f"says: {finding.detail}", way)
        for finding in (*checked.findings, *changed, *pulls.findings)
    ]
    faults += [Fault("the audit log", f"says: {said}", BACKUP) for said in kept.faults]
    return Part("Audit log", checked.records, tuple(faults))


def _published(settings: Settings) -> Part:
    files = [settings.warehouse, *sorted(settings.warehouse_dir.glob("nights/*.duckdb"))]
    there = [path for path in files if path.is_file()]
    faults = tuple(
        Fault(
            path.relative_to(settings.folder).as_posix(),
            "is not what was published",
            "`heirpay run` publishes it anew.",
        )
        for path in there
        if is_as_published(path) is False
    )
    return Part("Published files", len(there), faults)


def _sealed(settings: Settings) -> Part:
    """Files for people: read to their end, and sealed when there is a key."""
    folders = (settings.reports_dir, settings.proposals_dir, settings.notices_dir)
    files = [p for f in folders for p in sorted(f.rglob("*")) if p.is_file() and not p.is_symlink()]
    faults = []
    for path in files:
        what = _unreadable(path, settings.key)
        if what:
            faults.append(Fault(path.relative_to(settings.folder).as_posix(), what, BACKUP))
    return Part("Sealed files" if settings.key else "Reports", len(files), tuple(faults))


def signing_key(settings: Settings) -> Part:
    """The key that evidence is signed with."""
    path = settings.evidence_key
    if not path.exists():
        return Part("Signing key", 0, ())
    try:
        installation_key(path, settings.key)
    except SigningKeyError:
        way = "Restore it from a backup, or have a new one made by `heirpay repair`."
        name = path.relative_to(settings.folder).as_posix()
        return Part("Signing key", 1, (Fault(name, "is damaged", way),))
    return Part("Signing key", 1, ())


def _unreadable(path: Path, key: str | None) -> str | None:
    try:
        for _ in sealed.chunks(path, key):
            pass
    except (EncryptionKeyError, OSError) as error:
        return f"cannot be read: {_short(error)}"
    return None


def _dagster(settings: Settings) -> Part:
    way = "The next `heirpay run` or `heirpay ui` sets Dagster's storage aside and makes it anew."
    files = sum(1 for _ in settings.dagster_home.rglob("*.db"))
    faults = tuple(
        Fault(path.relative_to(settings.folder).as_posix(), f"is damaged ({fault})", way)
        for path, fault in damaged_files(settings)
    )
    return Part("Dagster's storage", files, faults)


def _short(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] if text[0].isalpha() else text
