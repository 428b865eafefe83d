with months as (
    select * from {{ ref('int_mrr_months') }}
),

published as (
    select
        month,
        currency,
        as_of_date,
        {{ publish_amount('mrr', 'currency', 6) }} as mrr,
        {{ exact_major('mrr', 'currency') }} as mrr_exact,
        active_subscriptions,
        active_customers,
        cast({{ to_major(divide('mrr', 'active_customers', 0, 6), 'currency') }} as decimal(24, 3))
            as arpa,
        {{ publish_amount('mrr_list', 'currency', 6) }} as mrr_list,
        {{ publish_amount('mrr_net_all', 'currency', 6) }} as mrr_net_all,
        {{ publish_amount('mrr_ending', 'currency', 6) }} as scheduled_churn,
        {{ publish_amount('mrr_estimated', 'currency', 6) }} as mrr_estimated
    from months
),

final as (
    select
        month,
        currency,
        mrr,
        {{ in_reporting_currency('mrr_exact', 'currency', 'as_of_date', 9) }} as mrr_reporting,
        active_subscriptions,
        active_customers,
        arpa,
        mrr_list,
        mrr_net_all,
        scheduled_churn,
        mrr_estimated,
        mrr_exact
    from published
)

select * from final
