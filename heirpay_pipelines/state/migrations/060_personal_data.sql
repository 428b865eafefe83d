-- Whose personal data was erased, so that it stays away when Stripe is read again. Nothing here
-- names anyone: ids are kept as HMAC-SHA256 under the key below, which leaves this file nowhere.
create table pseudonym_key (
  id integer primary key check (id = 1),
  key text not null,            -- 32 bytes, hexadecimal
  created_at text not null
);
create table erasures (
  pseudonym text primary key,   -- of the customer
  classes text not null,        -- of personal data, separated by spaces
  requested_at text not null,
  requested_by text not null,
  reason text not null,
  completed_at text,
  plan text                     -- JSON: what to look for, until it is done; personal data
);
create table erased_ids (
  hash text primary key,
  pseudonym text not null references erasures (pseudonym)
);
