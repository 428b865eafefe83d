with movements as (
    select movements.*, reasons.churn_kind
    from {{ ref('int_mrr_movements') }} as movements
    left join {{ ref('int_churn_reasons') }} as reasons
        on
            movements.occurred_on = reasons.occurred_on
            and movements.customer_id = reasons.customer_id
            and movements.currency = reasons.currency
),

published as (
    select
        occurred_on,
        customer_id,
        currency,
        movement,
        churn_kind,
        is_estimated,
        {{ publish_amount('mrr_before', 'currency', 6) }} as mrr_before,
        {{ publish_amount('mrr_after', 'currency', 6) }} as mrr_after,
        {{ publish_amount('mrr_change', 'currency', 6) }} as mrr_change,
        {{ exact_major('mrr_change', 'currency') }} as mrr_change_exact
    from movements
),

final as (
    select
        occurred_on,
        customer_id,
        currency,
        movement,
        mrr_before,
        mrr_after,
        mrr_change,
        {{ in_reporting_currency('mrr_change_exact', 'currency', 'occurred_on', 9) }}
            as mrr_change_reporting,
        churn_kind,
        is_estimated,
        mrr_change_exact
    from published
)

select * from final
