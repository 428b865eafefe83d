-- What someone signed for because the pipeline cannot see it. The hash of the record is in the
-- audit log, so a changed attestation shows.
create table attestations (
  attestation_id integer primary key,
  control_key text not null,
  attested_by text not null,
  recorded_by text not null,
  statement text not null,
  reference text,
  attested_at text not null,
  expires_at text not null,
  audit_head text not null
);
create index attestations_by_control on attestations (control_key, attested_at);
