-- Proposed changes of Radar value lists: written once, approved by another person than the author,
-- applied item by item. The triggers refuse every other change; the audit chain has the hash.
create table risk_proposals (
  proposal_id text primary key,
  created_at text not null,
  author text not null,
  rule text not null,
  value_list text not null,      -- alias of the Radar value list
  document text not null,        -- canonical JSON: rule, items, what the back-test said
  sha256 text not null,          -- of the document
  signature text not null,       -- Ed25519 of the document, by this installation's key
  status text not null,          -- proposed | approved | rejected | applied
  decided_at text,
  decided_by text,
  note text,
  applied_at text,
  applied_by text
);
create table risk_proposal_items (
  proposal_id text not null references risk_proposals (proposal_id),
  value text not null,
  state text not null,           -- waiting | added | present
  applied_at text,
  primary key (proposal_id, value)
);
create trigger risk_proposals_once before update on risk_proposals
  when (new.proposal_id, new.created_at, new.author, new.rule, new.value_list, new.document,
      new.sha256, new.signature)
      is not (old.proposal_id, old.created_at, old.author, old.rule, old.value_list, old.document,
      old.sha256, old.signature)
    or (new.status = 'approved' and lower(new.decided_by) is lower(old.author))
    or (new.status = 'applied' and old.status <> 'approved')
    or (old.status in ('rejected', 'applied') and new.status <> old.status)
  begin select raise(abort, 'a proposal is not changed'); end;
create trigger risk_proposals_no_delete before delete on risk_proposals
  begin select raise(abort, 'a proposal is not changed'); end;
create trigger risk_proposal_items_no_delete before delete on risk_proposal_items
  begin select raise(abort, 'a proposal is not changed'); end;
