-- Reconciliation breaks over the nights: when each was last published, and what people decided.
-- Instants ending in _as_of are as-of instants of publications, UTC without zone.
create table break_sightings (
  break_id text primary key,
  first_seen_as_of text not null,
  last_seen_as_of text not null
);
create table break_resolutions (
  break_id text not null,
  resolved_at text not null,
  resolved_as_of text not null, -- of the publication that was decided upon
  resolved_by text not null,
  reason text not null,
  amount text,                  -- decimal, major units: another amount is another break
  currency text,
  reopened_as_of text,
  primary key (break_id, resolved_at)
);
