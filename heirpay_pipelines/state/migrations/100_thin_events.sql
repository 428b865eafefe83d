-- Thin events name an object and do not carry it. What is not used says why; its body is gone.
alter table webhook_deliveries add column form text not null default 'snapshot';
alter table webhook_deliveries add column not_used text;
