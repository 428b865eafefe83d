-- The sequence of pulls, so that one whose manifest is lost, damaged or replaced is noticed, and a
-- copy of each manifest to restore it from. A pull that cannot be restored is lost: its span is
-- read again by a later one.
create table pulls (
  pull_id text primary key,
  sequence integer not null unique,
  digest text not null,  -- SHA-256 of the manifest; empty when none was ever seen here
  manifest blob,         -- the manifest's bytes, compressed
  lost_at text,
  read_again text        -- the pull that read a lost one's span again
);
