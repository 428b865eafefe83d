with disputes as (
    select * from {{ ref('stg_stripe__disputes') }}
),

charges as (
    select id, customer_id, country, invoice_id, payment_flow from {{ ref('int_charges') }}
),

-- The ledger's version of each movement: a dispute's own copy may be older.
movements as (
    select
        dispute_movements.dispute_id,
        ledger.currency,
        sum(case when ledger.figure = 'disputes' then ledger.amount else 0 end) as withdrawn,
        sum(case when ledger.figure = 'dispute_reversals' then ledger.amount else 0 end)
            as reinstated,
        sum(ledger.fee) as fee,
        sum(ledger.net) as net
    from {{ ref('stg_stripe__dispute_balance_transactions') }} as dispute_movements
    inner join {{ ref('int_ledger') }} as ledger
        on dispute_movements.balance_transaction_id = ledger.ledger_id
    group by dispute_movements.dispute_id, ledger.currency
),

numbered as (
    select id, count(*) over (partition by charge_id) as disputes_of_charge from disputes
),

final as (
    select
        disputes.id as dispute_id,
        disputes.charge_id,
        disputes.payment_intent_id,
        charges.customer_id,
        charges.invoice_id,
        charges.payment_flow,
        disputes.created_at as opened_at,
        {{ reporting_date('disputes.created_at') }} as opened_on,
        disputes.currency,
        {{ to_major('disputes.amount', 'disputes.currency') }} as amount,
        disputes.reason,
        disputes.network_reason_code,
        disputes.payment_method_type,
        disputes.brand,
        charges.country,
        disputes.status,
        case
            when disputes.status in ('won', 'lost', 'prevented') then disputes.status
            when disputes.status in ('warning_closed', 'charge_refunded') then 'closed'
            when disputes.status like 'warning%' then 'inquiry'
            else 'open'
        end as outcome,
        disputes.evidence_due_at,
        {{ reporting_date('disputes.evidence_due_at') }} as evidence_due_on,
        case
            when disputes.status in ('needs_response', 'warning_needs_response')
                then {{ days_between(as_of_date(), reporting_date('disputes.evidence_due_at')) }}
        end as days_to_deadline,
        disputes.has_evidence,
        disputes.submission_count,
        disputes.is_past_due,
        disputes.is_charge_refundable,
        numbered.disputes_of_charge,
        movements.currency as settlement_currency,
        {{ to_major('movements.withdrawn', 'movements.currency') }} as amount_withdrawn,
        {{ to_major('movements.reinstated', 'movements.currency') }} as amount_reinstated,
        {{ to_major('movements.fee', 'movements.currency') }} as dispute_fees,
        {{ to_major('movements.net', 'movements.currency') }} as balance_impact
    from disputes
    inner join numbered on disputes.id = numbered.id
    left join charges on disputes.charge_id = charges.id
    left join movements on disputes.id = movements.dispute_id
)

select * from final
