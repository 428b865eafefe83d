-- Whose personal data of which class is past its period, as of $as_of (a UTC timestamp).
-- Reads the staging tables and two that the caller registers:
--   retention_rules (data_class, country, months, from_year_end, rule); country '*' is everybody,
--   'OSS' a customer in another member state
--   erased_classes (hash, data_class): what was erased of whom; mac(id) is such a hash
-- A payment without a customer is a subject of its own; what is paid with one e-mail address keeps
-- every customer and every such payment of that address.
with guests as (
    select id, guest_email, coalesce(guest_email, id) as owner, billing_country
    from staging.stg_stripe__charges
    where customer_id is null
),

-- Who is judged, and by whose objects.
subjects as (
    select id as subject, id as owner from staging.stg_stripe__customers
    union all
    select id, lower(email) from staging.stg_stripe__customers where email is not null
    union all
    select id, owner from guests
),

owners as (
    select id as object_id, id as owner from staging.stg_stripe__customers
    union all
    select id, owner from guests
    union all
    select id, customer_id from staging.stg_stripe__charges where customer_id is not null
    union all
    select id, customer_id from staging.stg_stripe__invoices
    union all
    select id, customer_id from staging.stg_stripe__subscriptions
    union all
    select id, customer_id from staging.stg_stripe__credit_notes
    union all
    select id, customer_id from staging.stg_stripe__payment_intents where customer_id is not null
    union all
    select id, customer_id from staging.stg_stripe__customer_balance_transactions
),

dated as (
    select id as object_id, created_at as at from staging.stg_stripe__customers
    union all
    select id, created_at from staging.stg_stripe__charges
    union all
    select id, greatest(created_at, finalized_at, paid_at, voided_at) from staging.stg_stripe__invoices
    union all
    select id, greatest(created_at, canceled_at, ended_at) from staging.stg_stripe__subscriptions
    union all
    select id, greatest(created_at, voided_at) from staging.stg_stripe__credit_notes
    union all
    select id, greatest(created_at, canceled_at) from staging.stg_stripe__payment_intents
    union all
    select id, created_at from staging.stg_stripe__customer_balance_transactions
    union all
    select charge_id, created_at from staging.stg_stripe__refunds
    union all
    select charge_id, created_at from staging.stg_stripe__disputes
    union all
    select object_id, created_at from staging.stg_stripe__events
),

active as (
    select subjects.subject, max(of_owner.last_at) as last_active_at
    from subjects
    inner join (
        select owners.owner, max(dated.at) as last_at
        from dated inner join owners using (object_id)
        group by all
    ) as of_owner using (owner)
    group by all
),

-- Who still has a subscription, an invoice or a dispute open is no former customer.
open_objects as (
    select id as object_id from staging.stg_stripe__subscriptions
    where status not in ('canceled', 'incomplete_expired')
    union all
    select id from staging.stg_stripe__invoices where status in ('draft', 'open')
    union all
    select charge_id from staging.stg_stripe__disputes
    where status in (
        'needs_response', 'under_review', 'warning_needs_response', 'warning_under_review'
    )
),

held as (
    select distinct subjects.subject
    from open_objects
    inner join owners using (object_id)
    inner join subjects using (owner)
),

invoiced as (
    select customer_id, arg_max(customer_country, created_at) as country
    from staging.stg_stripe__invoices
    group by all
),

lived as (
    select customers.id as subject, coalesce(customers.country, invoiced.country) as country
    from staging.stg_stripe__customers as customers
    left join invoiced on customers.id = invoiced.customer_id
    union all
    select id, billing_country from guests
),

company as (
    select coalesce(max(country) filter (is_own), 'default') as country from staging.stg_stripe__accounts
),

-- The laws that hold for a subject: of where they live and of where the company is.
laws as (
    select distinct lived.subject, lived.country, unnest([
        '*',
        coalesce(theirs.country, 'default'),
        coalesce(ours.country, 'default'),
        case
            when theirs.is_member and lived.country <> company.country then 'OSS'
        end
    ]) as law
    from lived
    cross join company
    left join (select distinct country, is_member from retention_rules) as theirs
        on lived.country = theirs.country
    left join (select distinct country from retention_rules) as ours
        on company.country = ours.country
),

ends as (
    select
        active.subject,
        laws.country,
        rules.data_class,
        active.last_active_at,
        rules.rule,
        case
            when rules.from_year_end
                then date_trunc('year', timezone($zone, timezone('UTC', active.last_active_at)))
                    + interval 1 year + to_months(rules.months)
            else timezone($zone, timezone('UTC', active.last_active_at)) + to_months(rules.months)
        end as keep_until
    from active
    inner join laws using (subject)
    inner join retention_rules as rules on laws.law = rules.country
),

periods as (
    select
        subject,
        country,
        data_class,
        last_active_at,
        max(keep_until) as keep_until,
        arg_max(rule, keep_until) as rule
    from ends
    group by all
),

-- What is seen to be there although it was erased is due again.
seen as (
    select id as subject, unnest(list_filter([
        case when coalesce(email, phone) is not null then 'contact' end,
        case when name is not null then 'identity' end,
        case
            when coalesce(address_line1, address_line2, city, postal_code) is not null
                then 'location'
        end,
        case when description is not null then 'free_text' end
    ], lambda x: x is not null)) as data_class
    from staging.stg_stripe__customers
    union
    select id, 'contact' from guests where guest_email is not null
)

select
    periods.subject,
    periods.data_class,
    periods.country,
    periods.last_active_at,
    timezone('UTC', timezone($zone, periods.keep_until)) as due_since,
    periods.rule
from periods
left join erased_classes as erased
    on mac(periods.subject) = erased.hash and periods.data_class = erased.data_class
left join seen
    on periods.subject = seen.subject and periods.data_class = seen.data_class
where periods.keep_until <= timezone($zone, timezone('UTC', $as_of))
    and periods.subject not in (select subject from held)
    and (erased.hash is null or seen.subject is not null)
order by due_since, periods.subject, periods.data_class
