"""Controls on facts that are in no table: the text of payloads, files, sockets, keys, the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from heirpay_pipelines.controls.probes import (
    abuse,
    audit_log,
    encryption,
    files,
    listeners,
    network,
    payloads,
    personal_data,
    secrets,
    tables,
    text,
)
from heirpay_pipelines.controls.probes.given import ProbeInput
from heirpay_pipelines.controls.results import Outcome

PROBES: Mapping[str, Callable[[ProbeInput], Outcome]] = {
    "card_numbers_in_payloads": payloads.card_numbers_in_payloads,
    "card_numbers_in_tables": text.card_numbers_in_tables,
    "card_numbers_in_files": text.card_numbers_in_files,
    "track_data_in_payloads": payloads.track_data_in_payloads,
    "verification_codes_in_payloads": payloads.verification_codes_in_payloads,
    "secrets_in_files": secrets.secrets_in_files,
    "file_modes": files.file_modes,
    "encrypted_at_rest": encryption.encrypted_at_rest,
    "personal_data_in_files": encryption.personal_data_in_files,
    "landing_unchanged": files.landing_unchanged,
    "log_retention": audit_log.log_retention,
    "audit_chain": audit_log.audit_chain,
    "run_recorded": audit_log.run_recorded,
    "segregation_of_duties": audit_log.segregation_of_duties,
    "listeners_on_loopback": listeners.listeners_on_loopback,
    "webserver_access": listeners.webserver_access,
    "webhook_abuse": abuse.webhook_abuse,
    "no_programs": files.no_programs,
    "risk_acceptances": audit_log.risk_acceptances,
    "tls_settings": network.tls_settings,
    "production_key": network.production_key,
    "least_privilege_key": network.least_privilege_key,
    "webhook_secret": network.webhook_secret,
    "webhook_signatures": network.webhook_signatures,
    "known_vulnerabilities": network.known_vulnerabilities,
    "telemetry_off": network.telemetry_off,
    "personal_data_map": personal_data.personal_data_map,
    "payload_paths_classified": personal_data.payload_paths_classified,
    "erasures_done": personal_data.erasures_done,
    "required_values": tables.required_values,
    "known_values": tables.known_values,
    "working_keys": tables.working_keys,
    "retention_enforced": personal_data.retention_enforced,
}

__all__ = ["PROBES", "ProbeInput"]
