-- How many things an attempt changed by itself: only such a one can have helped by itself.
alter table incident_attempts add column effect integer not null default 0;
