alter table runs add column job text not null default 'nightly';
alter table runs add column is_evaluated integer not null default 0; -- its incidents are recorded
