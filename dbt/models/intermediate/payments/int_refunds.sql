-- Every refund, and whether it gives money back at all: what was authorised and never captured is
-- released by a refund too (a cancelled or expired authorisation, the rest of a partial capture).
-- No money was taken, so none comes back, whether or not the balance shows the release.
with refunds as (
    select * from {{ ref('stg_stripe__refunds') }}
),

charges as (
    select id, amount, amount_captured, status, is_captured from {{ ref('stg_stripe__charges') }}
),

movements as (
    select id, reporting_category from {{ ref('stg_stripe__balance_transactions') }}
    where reporting_category = 'partial_capture_reversal'
),

final as (
    select
        refunds.*,
        coalesce(refunds.status, 'succeeded') in ('succeeded', 'pending', 'requires_action')
            as is_standing,
        coalesce(
            refunds.reason = 'expired_uncaptured_charge'
            or movements.id is not null
            or (
                refunds.balance_transaction_id is null
                and charges.status = 'succeeded'
                and (
                    not charges.is_captured
                    or charges.amount_captured = 0
                    or (
                        charges.amount_captured < charges.amount
                        and refunds.amount = charges.amount - charges.amount_captured
                    )
                )
            ), false
        ) as is_release
    from refunds
    left join charges on refunds.charge_id = charges.id
    left join movements on refunds.balance_transaction_id = movements.id
)

select * from final
