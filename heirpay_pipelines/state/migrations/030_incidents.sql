-- One row per incident: a pattern on one subject. A subject that fails again after its incident
-- was resolved opens the key's next occurrence. Amounts are decimal text in major units.
create table incidents (
  incident_id text primary key,
  incident_key text not null,
  occurrence integer not null,
  scope text not null,          -- the check whose passing resolves it
  identifier text not null,     -- PAYMENT.<PROJECT>.<OPERATION>.<TOOL>.20000.<STEP>
  section text not null,
  pattern text not null,
  symptom text not null,
  subject text not null,
  role text not null,
  strike integer not null,
  status text not null,         -- open | escalated | acknowledged | resolved
  trigger_name text,
  failures integer not null,
  opened_at text not null,
  last_seen_at text not null,
  escalated_at text,
  acknowledged_at text,
  acknowledged_by text,
  resolved_at text,
  resolution text,
  learned text,                 -- the runbook that keeps what resolved it; '' when nothing did
  learned_new integer not null default 0, -- 1 when the library did not know it
  financial_impact text not null,
  currency text,
  compliance_risk text not null,
  urgency text not null,
  detail text not null,
  evidence text not null,            -- JSON object
  attempted_solutions text not null, -- JSON list
  recommendations text not null,     -- JSON list
  unique (incident_key, occurrence)
);
create unique index incidents_one_open on incidents (incident_key) where status <> 'resolved';
create table incident_attempts (
  incident_id text not null references incidents (incident_id),
  strike integer not null,
  solution text not null,
  source text not null,         -- library | the runbook's name
  status text not null,         -- planned | done | not_applicable | failed
  ended_at text,
  detail text,
  helped integer,               -- 1 when the check passed next; 0 when it failed again
  primary key (incident_id, strike, solution)
);
-- What a solution hands to a person: retry schedules, lists to work through by hand.
create table incident_worklists (
  incident_id text not null references incidents (incident_id),
  solution text not null,
  position integer not null,
  item text not null,           -- JSON object
  primary key (incident_id, solution, position)
);
-- What is to be told: once for each incident, strike and reminder interval.
create table escalations (
  escalation_id text primary key,
  incident_id text not null references incidents (incident_id),
  kind text not null,           -- escalation | reminder | resolution
  strike integer not null,
  created_at text not null,
  document text not null,       -- JSON object, escalation.schema.json
  message_id text not null references outbox_messages (message_id)
);
create table outbox_messages (
  message_id text primary key,
  created_at text not null,
  title text not null,
  body text not null
);
create table outbox_deliveries (
  message_id text not null references outbox_messages (message_id),
  destination text not null,    -- a hash of the notification URL, which holds secrets
  state text not null,          -- pending | sent
  attempts integer not null,
  next_attempt_at text not null,
  sent_at text,
  last_error text,
  primary key (message_id, destination)
);
-- Switches that stop something until a person releases them: `isolation` stops publication.
create table switches (
  name text primary key,
  set_at text not null,
  reason text not null
);
create table regulatory_inquiries (
  inquiry_id text primary key,
  regulator text not null,
  reference text not null,
  received_at text not null,
  answer_due_at text not null,
  closed_at text
);
-- Files that were taken out of reach: encrypted, each with a key of its own that only this file has.
create table quarantined_files (
  stored_as text primary key,
  path text not null,           -- below HEIRPAY_HOME
  incident_id text not null,
  quarantined_at text not null,
  encryption_key text not null
);
