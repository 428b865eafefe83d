create table runs (
  run_id text primary key,
  as_of text not null,
  started_at text not null,
  ended_at text,
  outcome text not null, -- running | published | refused | failed | interrupted
  reason text,
  pull_id text,
  requests integer,
  rows_pulled text -- JSON object: rows by resource
);
create table control_results (
  run_id text not null,
  control_id text not null,
  framework text not null,
  requirement text not null,
  title text not null,
  severity text not null,
  status text not null,
  checked integer,
  violations integer,
  evidence text not null,
  checked_at text not null,
  primary key (run_id, control_id)
);
