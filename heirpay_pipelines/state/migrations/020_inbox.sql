-- Webhook deliveries: what arrived, when, how often. The bodies lie apart, so that a copy of the
-- deliveries is small and holds no personal data, and a body goes as soon as it is landed.
create table webhook_deliveries (
  event_id text primary key,
  type text not null,
  object_id text,
  account text,               -- the connected account of a Connect event
  livemode integer not null,
  api_version text,
  created integer not null,   -- Stripe's clock, seconds
  received_at text not null,  -- ours, of the first delivery
  last_received_at text not null,
  deliveries integer not null, -- 0: never delivered, replayed from the event log
  replayed_at text,
  drained_at text,            -- as-of instant of the drain that landed it
  pull_id text                -- the manifest it was landed with
);
create index webhook_deliveries_undrained on webhook_deliveries (created) where drained_at is null;
create table webhook_bodies (
  event_id text primary key references webhook_deliveries (event_id),
  body text not null
);
-- Signed by Stripe, yet not an event that can be stored. The body itself is not kept.
create table webhook_rejections (
  body_sha256 text primary key,
  reason text not null,
  bytes integer not null,
  first_received_at text not null,
  last_received_at text not null,
  deliveries integer not null
);
-- Where `heirpay receive` listens, so that others can ask whether it is well.
create table webhook_endpoint (
  id integer primary key check (id = 1),
  url text not null,
  started_at text not null
);
