-- Paid invoices of which a part did not go through the gateway: nothing is missing, and the books
-- see the part.
with settlements as (
    select * from {{ ref('int_invoice_settlements') }}
    where amount_off_gateway <> 0
),

final as (
    select
        invoice_id,
        customer_id,
        {{ reporting_date('paid_at') }} as paid_on,
        currency,
        {{ to_major('amount_paid', 'currency') }} as amount_paid,
        {{ to_major('amount_by_payments', 'currency') }} as amount_by_payments,
        {{ to_major('amount_off_gateway', 'currency') }} as amount_off_gateway
    from settlements
)

select * from final
