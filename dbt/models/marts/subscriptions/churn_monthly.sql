-- noqa: disable=LT02
with months as (
    select
        *,
        cast(coalesce(lag(mrr) over (partition by currency order by month), 0) as decimal(38, 6))
            as mrr_start,
        coalesce(lag(active_customers) over (partition by currency order by month), 0)
            as customers_start
    from {{ ref('int_mrr_months') }}
),

movements as (
    select
        month,
        currency
        {%- for movement in ['new', 'reactivation', 'expansion', 'contraction', 'churn'] %},
        cast(count(*) filter (where movement = '{{ movement }}') as bigint)
            as customers_{{ movement }},
        cast(coalesce(sum(abs(mrr_change)) filter (where movement = '{{ movement }}'), 0)
            as decimal(38, 6)) as mrr_{{ movement }}
        {%- endfor %}
    from {{ ref('int_mrr_movements') }}
    group by month, currency
),

involuntary as (
    select
        movements.month,
        movements.currency,
        count(*) as customers_churned_involuntary,
        cast(sum(movements.mrr_before) as decimal(38, 6)) as mrr_churned_involuntary
    from {{ ref('int_mrr_movements') }} as movements
    inner join {{ ref('int_churn_reasons') }} as reasons
        on
            movements.movement = 'churn'
            and movements.occurred_on = reasons.occurred_on
            and movements.customer_id = reasons.customer_id
            and movements.currency = reasons.currency
    where reasons.churn_kind = 'involuntary'
    group by movements.month, movements.currency
),

-- Retention looks at the customers of the month's start and at nobody else.
retention as (
    select * from {{ ref('int_retention_monthly') }}
),

joined as (
    select
        months.month,
        months.currency,
        months.customers_start,
        months.active_customers as customers_end,
        months.mrr_start,
        months.mrr as mrr_end,
        coalesce(involuntary.customers_churned_involuntary, 0) as customers_churned_involuntary,
        cast(coalesce(involuntary.mrr_churned_involuntary, 0) as decimal(38, 6))
            as mrr_churned_involuntary,
        coalesce(retention.customers_lost, 0) as customers_lost,
        cast(coalesce(retention.mrr_lost, 0) as decimal(38, 6)) as start_lost,
        cast(coalesce(retention.mrr_gained, 0) as decimal(38, 6)) as start_gained
        {%- for movement in ['new', 'reactivation', 'expansion', 'contraction', 'churn'] %},
        coalesce(movements.customers_{{ movement }}, 0) as customers_{{ movement }},
        cast(coalesce(movements.mrr_{{ movement }}, 0) as decimal(38, 6)) as mrr_{{ movement }}
        {%- endfor %}
    from months
    left join movements
        on months.month = movements.month and months.currency = movements.currency
    left join involuntary
        on months.month = involuntary.month and months.currency = involuntary.currency
    left join retention
        on months.month = retention.month and months.currency = retention.currency
),

published as (
    select
        month,
        currency,
        customers_start,
        customers_new,
        customers_churn as customers_churned,
        customers_reactivation as customers_reactivated,
        customers_end,
        {{ rate('customers_churn', 'customers_start + customers_new', 0, 0) }}
            as customer_churn_rate,
        {{ rate('customers_lost', 'customers_start', 0, 0) }} as customer_churn_rate_plain,
        {%- for amount in [
            'mrr_start', 'mrr_new', 'mrr_reactivation', 'mrr_expansion', 'mrr_contraction'
        ] %}
        {{ publish_amount(amount, 'currency', 6) }} as {{ amount }},
        {%- endfor %}
        {{ publish_amount('mrr_churn', 'currency', 6) }} as mrr_churned,
        {{ publish_amount('mrr_end', 'currency', 6) }} as mrr_end,
        {{ publish_amount('mrr_contraction + mrr_churn', 'currency', 6) }} as mrr_lost,
        {{ rate('start_lost', 'mrr_start') }} as gross_mrr_churn_rate,
        {{ rate('start_lost - start_gained', 'mrr_start') }} as net_mrr_churn_rate,
        {{ rate('mrr_start - start_lost', 'mrr_start') }} as gross_revenue_retention,
        {{ rate('mrr_start - start_lost + start_gained', 'mrr_start') }} as net_revenue_retention,
        {{ rate('mrr_new + mrr_expansion', 'mrr_contraction + mrr_churn') }} as quick_ratio,
        {{ to_major(divide('mrr_end', 'customers_end', 0, 6), 'currency') }} as arpa,
        -- ARPA ÷ customer churn rate = MRR × (start + new) ÷ (customers × churned), divided once.
        {{ to_major(divide(
            'mrr_end * cast(customers_start + customers_new as decimal(18, 0))',
            'customers_end * customers_churn', 0, 6
        ), 'currency') }} as ltv,
        customers_churned_involuntary,
        customers_churn - customers_churned_involuntary as customers_churned_voluntary,
        {{ publish_amount('mrr_churned_involuntary', 'currency', 6) }} as mrr_churned_involuntary,
        {{ publish_amount('mrr_churn - mrr_churned_involuntary', 'currency', 6) }}
            as mrr_churned_voluntary,
        customers_lost,
        {{ publish_amount('start_lost', 'currency', 6) }} as mrr_lost_of_start,
        {{ publish_amount('start_gained', 'currency', 6) }} as mrr_gained_of_start
    from joined
),

final as (
    select
        *,
        cast(
            mrr_end - (
                mrr_start + mrr_new + mrr_reactivation + mrr_expansion
                - mrr_contraction - mrr_churned
            ) as decimal(24, 3)
        ) as mrr_rounding
    from published
)

select * from final
