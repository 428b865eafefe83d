-- title: What is watched for the neighbouring domains
-- asset: publish/publication
-- rows: select * from operations.run_history order by as_of desc limit 10

with landed as (
    select max(as_of) as as_of, count(*) filter (where status <> 'complete') as incomplete
    from operations.coverage
    where pull_id = (
        select max(pull_id) from operations.coverage
        where mode in ('full', 'events', 'created', 'always', 'derived')
    )
),

breaks as (
    select count(*) as breaks from finance.reconciliation_breaks
),

validated as (
    select
        count(*) filter (where status = 'pass') as passed,
        count(*) filter (where status in ('fail', 'not_evaluated')) as open
    from run_controls
    where framework in ('data_quality', 'finance')
),

arrivals as (
    select
        coalesce(sum(events), 0) as events, coalesce(sum(delivered), 0) as delivered,
        coalesce(sum(late), 0) as late, sum(missing) as missing
    from operations.webhook_delivery_daily
    where date > cast($as_of_date as date) - interval 7 day
),

reviews as (
    select count(*) as reviews from staging.stg_stripe__reviews where is_open
),

warned as (
    select count(*) as warnings from finance.early_fraud_warnings
    where is_actionable and dispute_id is null and amount_refunded < amount
),

nights as (
    select
        count(*) as runs, count(*) filter (where is_published) as published, max(as_of) as newest
    from operations.run_history
    where as_of > cast($as_of as timestamp) - interval 7 day
),

compliance as (
    select
        count(*) filter (where status = 'fail') as failed,
        count(*) filter (where status = 'not_evaluated') as not_evaluated,
        count(*) filter (where status = 'attested') as attested
    from run_controls
)

select
    'data' as domain, 'transaction_data_monitoring' as support,
    landed.incomplete = 0 and breaks.breaks = 0 as calm,
    'read as of ' || coalesce(cast(landed.as_of as varchar), 'never') || ', ' || landed.incomplete
        || ' endpoints incomplete, ' || breaks.breaks || ' open breaks' as evidence
from landed
cross join breaks
union all
select
    'data' as domain, 'financial_data_validation' as support, open = 0 as calm,
    passed || ' data and finance checks passed, ' || open || ' did not' as evidence
from validated
union all
select
    'integration' as domain, 'payment_integration_monitoring' as support,
    events > 0 and coalesce(missing, 0) = 0 and late = 0 as calm,
    delivered || ' of ' || events || ' events of seven days arrived in time, ' || late
        || ' late, ' || coalesce(cast(missing as varchar), 'unknown how many') || ' missing'
        as evidence
from arrivals
union all
select
    'integration' as domain, 'fraud_system_coordination' as support,
    reviews.reviews = 0 and warned.warnings = 0 as calm,
    reviews.reviews || ' reviews are open, ' || warned.warnings
        || ' early fraud warnings wait for a person' as evidence
from reviews
cross join warned
union all
select
    'platform' as domain, 'payment_system_health_monitoring' as support,
    published > 0 and published = runs as calm,
    published || ' of ' || runs || ' runs of seven days were published, the newest as of '
        || coalesce(cast(newest as varchar), 'never') as evidence
from nights
union all
select
    'platform' as domain, 'compliance_monitoring' as support,
    failed = 0 and not_evaluated = 0 as calm,
    failed || ' controls failed, ' || not_evaluated || ' were not evaluated, ' || attested
        || ' rest on an attestation' as evidence
from compliance
