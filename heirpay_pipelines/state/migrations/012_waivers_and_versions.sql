-- Failures that someone accepts until a date. A waiver counts from its approval by a second person
-- on; what was asked, approved and ended is in the audit log too, so a changed row shows.
create table waivers (
  waiver_id integer primary key,
  control_key text not null,
  reason text not null,
  requested_by text not null,
  requested_at text not null,
  expires text not null, -- the last day on which it holds, YYYY-MM-DD
  approved_by text,
  approved_at text,
  check (approved_by is null or approved_by <> requested_by)
);
create index waivers_by_control on waivers (control_key, waiver_id);
-- Settings, code and schema as the newest run found them: what the next run is held against.
create table recorded_versions (
  kind text not null, -- settings | code | schema
  name text not null,
  value text not null, -- a keyed hash, where it stands for a secret
  primary key (kind, name)
);
