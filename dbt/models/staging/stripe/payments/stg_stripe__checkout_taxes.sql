-- Taxes of Checkout sessions by rate; without rate where only the sum is stated, or the rest of it.
with sessions as (
    select id, currency, amount_total, tax_amount, taxes
    from {{ ref('stg_stripe__checkout_sessions') }}
),

exploded as (
    select id, currency, {{ explode_array('taxes') }} as tax from sessions
),

stated as (
    select
        id as session_id,
        currency,
        {{ json_id('tax.rate', '$') }} as tax_rate_id,
        {{ json_bool('tax.rate', '$.inclusive') }} as is_inclusive,
        cast({{ json_decimal('tax.rate', '$.percentage') }} as decimal(18, 6)) as percentage,
        upper({{ json_text('tax.rate', '$.country') }}) as country,
        {{ json_text('tax.rate', '$.state') }} as state,
        {{ json_text('tax.rate', '$.jurisdiction') }} as jurisdiction,
        {{ json_text('tax.rate', '$.jurisdiction_level') }} as jurisdiction_level,
        {{ json_text('tax.rate', '$.tax_type') }} as tax_type,
        tax.taxability_reason as taxability_reason,
        tax.taxable_amount as taxable_amount,
        tax.amount as amount
    from exploded
),

stated_totals as (
    select session_id, sum(amount) as amount from stated group by session_id
),

every_tax as (
    select
        stated.*,
        sessions.amount_total - sessions.tax_amount as net_amount
    from stated
    inner join sessions on stated.session_id = sessions.id
    union all
    select
        sessions.id as session_id,
        sessions.currency,
        cast(null as varchar) as tax_rate_id,
        cast(null as boolean) as is_inclusive,
        cast(null as decimal(18, 6)) as percentage,
        cast(null as varchar) as country,
        cast(null as varchar) as state,
        cast(null as varchar) as jurisdiction,
        cast(null as varchar) as jurisdiction_level,
        cast(null as varchar) as tax_type,
        cast(null as varchar) as taxability_reason,
        case when stated_totals.session_id is not null then 0 end as taxable_amount,
        sessions.tax_amount - coalesce(stated_totals.amount, 0) as amount,
        sessions.amount_total - sessions.tax_amount as net_amount
    from sessions
    left join stated_totals on sessions.id = stated_totals.session_id
    where sessions.tax_amount <> coalesce(stated_totals.amount, 0)
),

final as (
    select
        session_id,
        row_number() over (
            partition by session_id
            order by tax_rate_id nulls last, taxability_reason, amount, taxable_amount
        ) as tax_number,
        tax_rate_id,
        coalesce(is_inclusive, false) as is_inclusive,
        percentage,
        country,
        state,
        jurisdiction,
        jurisdiction_level,
        tax_type,
        taxability_reason,
        currency,
        coalesce(taxable_amount, net_amount) as taxable_amount,
        amount
    from every_tax
)

select * from final
