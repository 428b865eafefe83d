-- Monthly figures as they were published, one row whenever a figure changed: what restatements
-- are told from. `value` is a decimal as text, in major units of the currency.
create table published_figures (
  as_of text not null,
  run_id text not null,
  table_name text not null,
  month text not null,
  currency text not null,
  figure text not null,
  value text not null,
  caused_by text,
  primary key (table_name, month, currency, figure, as_of)
);
