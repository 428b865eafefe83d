-- Requests that the endpoint refused for their signature, counted by hour: anybody can send one, so
-- nothing of them is kept but how many came, from when to when.
create table webhook_refusals (
  hour text not null,
  reason text not null,
  requests integer not null,
  first_at text not null,
  last_at text not null,
  primary key (hour, reason)
);
