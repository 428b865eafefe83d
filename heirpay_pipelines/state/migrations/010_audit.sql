-- The audit log: append-only and hash-chained. `detail` is canonical JSON (RFC 8785); `hash` is
-- SHA-256 over the canonical JSON of the other columns. The triggers stop mistakes and make
-- tampering deliberate; what finds tampering is `heirpay audit verify`.
create table audit_log (
  sequence integer primary key,
  occurred_at text not null,
  actor text not null,
  action text not null,
  subject text not null,
  detail text not null,
  previous_hash text not null,
  hash text not null
);
create trigger audit_log_no_update before update on audit_log
  begin select raise(abort, 'the audit log is append-only'); end;
create trigger audit_log_no_delete before delete on audit_log
  begin select raise(abort, 'the audit log is append-only'); end;
-- `insert or replace` fires no delete trigger, so only the next sequence may be inserted.
create trigger audit_log_in_order before insert on audit_log
  when new.sequence is not (select coalesce(max(sequence), 0) + 1 from audit_log)
  begin select raise(abort, 'the audit log is append-only'); end;
