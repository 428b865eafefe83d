-- Payments that failed, by the month in which they first did: what came after all and by what,
-- what is still at risk, what is lost.
with payments as (
    select *, {{ month_of('first_failed_on') }} as month from {{ ref('failed_payments') }}
),

final as (
    select
        month,
        currency,
        count(*) as payments_failed,
        cast(sum(amount) as decimal(24, 3)) as amount_failed,
        count(case when status = 'recovered' then 1 end) as recovered,
        {%- for status, name in [
            ('recovered', 'amount_recovered'), ('at_risk', 'amount_at_risk'),
            ('lost', 'amount_lost')
        ] %}
        cast(sum(case when status = '{{ status }}' then amount else 0 end) as decimal(24, 3))
            as {{ name }},
        {%- endfor %}
        {%- for way in ['automatic_retry', 'new_payment_method', 'manual'] %}
        cast(sum(case when recovered_by = '{{ way }}' then amount else 0 end) as decimal(24, 3))
            as amount_by_{{ way }},
        {%- endfor %}
        count(case when status = 'at_risk' then 1 end) as at_risk,
        count(case when status = 'lost' then 1 end) as lost,
        {{ rate("count(case when status = 'recovered' then 1 end)", 'count(*)', 0, 0) }}
            as recovery_rate,
        {{ rate(
            "sum(case when status = 'recovered' then amount else 0 end)", 'sum(amount)', 3, 3
        ) }} as amount_recovery_rate,
        {{ rate('sum(days_to_recover)', "count(days_to_recover)", 0, 0) }} as mean_days_to_recover
    from payments
    group by month, currency
)

select * from final
