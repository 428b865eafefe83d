-- noqa: disable=LT02
-- MRR in the reporting currency from month to month: what customers moved at the rates of their
-- days, and what exchange rates moved, which is never called expansion.
with months as (
    select
        month,
        currency,
        mrr_reporting as mrr_end_reporting,
        coalesce(lag(mrr_reporting) over (
            partition by currency order by month
        ), 0) as mrr_start_reporting
    from {{ ref('mrr_monthly') }}
),

movements as (
    select
        {{ month_of('occurred_on') }} as month,
        currency
        {%- for movement in ['new', 'reactivation', 'expansion', 'contraction', 'churn'] %},
        coalesce(sum(mrr_change_reporting) filter (where movement = '{{ movement }}'), 0)
            as mrr_{{ movement }}_reporting
        {%- endfor %}
    from {{ ref('mrr_movements') }}
    group by 1, 2
),

joined as (
    select
        months.month,
        months.currency,
        months.mrr_start_reporting,
        months.mrr_end_reporting
        {%- for movement in ['new', 'reactivation', 'expansion', 'contraction', 'churn'] %},
        coalesce(movements.mrr_{{ movement }}_reporting, 0) as mrr_{{ movement }}_reporting
        {%- endfor %}
    from months
    left join movements
        on months.month = movements.month and months.currency = movements.currency
),

final as (
    select
        month,
        currency,
        cast(mrr_start_reporting as decimal(24, 3)) as mrr_start_reporting,
        cast(mrr_new_reporting as decimal(24, 3)) as mrr_new_reporting,
        cast(mrr_reactivation_reporting as decimal(24, 3)) as mrr_reactivation_reporting,
        cast(mrr_expansion_reporting as decimal(24, 3)) as mrr_expansion_reporting,
        cast(mrr_contraction_reporting as decimal(24, 3)) as mrr_contraction_reporting,
        cast(mrr_churn_reporting as decimal(24, 3)) as mrr_churned_reporting,
        cast(
            mrr_end_reporting - mrr_start_reporting - mrr_new_reporting
            - mrr_reactivation_reporting - mrr_expansion_reporting
            - mrr_contraction_reporting - mrr_churn_reporting as decimal(24, 3)
        ) as mrr_fx_reporting,
        cast(mrr_end_reporting as decimal(24, 3)) as mrr_end_reporting
    from joined
)

select * from final
