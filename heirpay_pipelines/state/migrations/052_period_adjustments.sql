-- What each publication posted to closed months: an adjustment is written once and never changes.
-- Instants are as-of instants of publications, UTC without zone.
create table period_adjustments (
  month text not null references period_closes (month),
  table_name text not null,
  item text not null,
  currency text not null,
  figure text not null,
  as_of text not null,          -- of the publication that posted it
  run_id text not null,
  adjustment text not null,     -- decimal, major units
  primary key (month, table_name, item, currency, figure, as_of, run_id)
);
create trigger period_adjustments_no_update before update on period_adjustments
  begin select raise(abort, 'a posted adjustment is not changed'); end;
create trigger period_adjustments_no_delete before delete on period_adjustments
  begin select raise(abort, 'a posted adjustment is not changed'); end;
create trigger period_adjustments_no_replace before insert on period_adjustments
  when exists (select 1 from period_adjustments where month = new.month
    and table_name = new.table_name and item = new.item and currency = new.currency
    and figure = new.figure and as_of = new.as_of and run_id = new.run_id)
  begin select raise(abort, 'a posted adjustment is not changed'); end;
-- Another person approves: neither case nor spaces make another one.
create trigger period_closes_other_approver before update on period_closes
  when lower(trim(new.approved_by)) = lower(trim(old.closed_by))
  begin select raise(abort, 'a closed month is not changed'); end;
