-- The run's process ended before all of its steps did, whatever its verdict: the next one is the same
-- night again.
alter table runs add column is_cut integer not null default 0;
