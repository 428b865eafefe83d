-- Our figures against Stripe's own reports, line by line; each residual says what ours is, what
-- Stripe's is, or which side lacks it. Major units, ours less Stripe's.
{%- set columns = 'object_id, related_object_id, currency, amount, seen_on, detail' %}
with every_difference as (
    {%- for report in ['activity', 'payouts', 'summary'] %}
    {{ 'union all' if not loop.first }}
    select {{ columns }} from {{ ref('int_report_' ~ report) }}
    {%- endfor %}
),

final as (
    select
        'stripe_report_mismatch' as kind,
        object_id,
        related_object_id,
        currency,
        amount,
        coalesce(seen_on, {{ as_of_date() }}) as seen_on,
        detail
    from every_difference
)

select * from final
