-- Closed months. A close and its figures are written once; the triggers refuse every change but the
-- one approval. What finds a change made past them is the hash, which the audit chain holds, too.
create table period_closes (
  month text primary key,       -- YYYY-MM
  closed_at text not null,
  closed_by text not null,
  as_of text not null,          -- of the publication that was frozen, UTC without zone
  run_id text not null,
  manifest text not null,       -- canonical JSON: figures, control results, landed files
  hash text not null,           -- SHA-256 of the manifest
  approved_at text,
  approved_by text
);
create table period_figures (
  month text not null references period_closes (month),
  table_name text not null,
  item text not null,           -- jurisdiction, account, …; empty for the whole
  currency text not null,
  figure text not null,
  value text not null,          -- decimal, major units
  primary key (month, table_name, item, currency, figure)
);
create trigger period_closes_once before update on period_closes
  when old.approved_by is not null or new.approved_by is null or new.approved_by = old.closed_by
    or (new.month, new.closed_at, new.closed_by, new.as_of, new.run_id, new.manifest, new.hash)
      is not (old.month, old.closed_at, old.closed_by, old.as_of, old.run_id, old.manifest, old.hash)
  begin select raise(abort, 'a closed month is not changed'); end;
create trigger period_closes_no_delete before delete on period_closes
  begin select raise(abort, 'a closed month is not changed'); end;
create trigger period_closes_no_replace before insert on period_closes
  when exists (select 1 from period_closes where month = new.month)
  begin select raise(abort, 'a closed month is not changed'); end;
create trigger period_figures_no_update before update on period_figures
  begin select raise(abort, 'a closed month is not changed'); end;
create trigger period_figures_no_delete before delete on period_figures
  begin select raise(abort, 'a closed month is not changed'); end;
create trigger period_figures_no_late before insert on period_figures
  when exists (select 1 from period_closes where month = new.month and approved_by is not null)
    or exists (select 1 from period_figures where month = new.month and table_name = new.table_name
      and item = new.item and currency = new.currency and figure = new.figure)
  begin select raise(abort, 'a closed month is not changed'); end;
