-- What a body was when it was acknowledged (null for those of earlier releases), and since when one
-- is known to be damaged: it is in quarantine then, and Stripe is asked for the event again.
alter table webhook_bodies add column sha256 text;
alter table webhook_bodies add column damaged_at text;
