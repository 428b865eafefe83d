-- noqa: disable=LT02
-- The ledger of MRR: each customer's MRR per currency at the end of each day on which it may have
-- changed, and the day's change. Everything published about MRR and its movements is a sum
-- over this table, so movements add up to MRR exactly (docs/decisions/0003-mrr-exactness.md).
{%- set measures = ['mrr_list', 'mrr', 'mrr_net_all', 'mrr_ending', 'mrr_estimated'] %}
with subscriptions as (
    select * from {{ ref('int_subscription_mrr_daily') }}
),

daily as (
    select
        customer_id,
        currency,
        date,
        sum(live_change) as live_change
        {%- for measure in measures %},
        sum({{ measure }}_change) as {{ measure }}_change
        {%- endfor %}
    from subscriptions
    group by customer_id, currency, date
),

running as (
    select
        customer_id,
        currency,
        date,
        live_change
        {%- for measure in measures %},
        cast(sum({{ measure }}_change) over (
            partition by customer_id, currency order by date
            rows between unbounded preceding and current row
        ) as decimal(38, 12)) as {{ measure }}
        {%- endfor %}
    from daily
),

-- Thirds of a cent are known to 12 decimals; kept to 6, equal values are equal again however
-- they were added up. The change is taken after that, so it telescopes.
kept as (
    select
        customer_id,
        currency,
        date,
        live_change
        {%- for measure in measures %},
        {{ round_half_even(measure, 6) }} as {{ measure }}
        {%- endfor %}
    from running
),

changes as (
    select
        customer_id,
        currency,
        date,
        cast(live_change as bigint) as live_subscriptions_change,
        cast(coalesce(lag(mrr) over (
            partition by customer_id, currency order by date
        ), 0) as decimal(38, 6)) as mrr_before
        {%- for measure in measures %},
        cast({{ measure }} as decimal(38, 6)) as {{ measure }},
        cast({{ measure }} - coalesce(lag({{ measure }}) over (
            partition by customer_id, currency order by date
        ), 0) as decimal(38, 6)) as {{ measure }}_change
        {%- endfor %}
    from kept
),

final as (
    select
        *,
        coalesce(max(mrr) over (
            partition by customer_id, currency order by date
            rows between unbounded preceding and 1 preceding
        ), 0) > 0 as was_customer_before
    from changes
)

select * from final
