-- The figures of each month that a close freezes, one per row, in major units.
with revenue as (
    select * from {{ ref('daily_revenue') }}
),

balances as (
    select * from {{ ref('balance_reconciliation') }}
),

taxes as (
    select * from {{ ref('tax_summary') }}
),

journal as (
    select * from {{ ref('journal_entries') }}
),

others as (
    select * from {{ ref('int_monthly_figures') }}
),

every_figure as (
    {%- for figure in [
        'gross_volume', 'refunds', 'disputes', 'dispute_reversals', 'fees', 'other', 'net_volume'
    ] %}
    select
        {{ month_of('date') }} as month,
        'daily_revenue' as table_name,
        '' as item,
        currency,
        '{{ figure }}' as figure,
        sum({{ figure }}) as value
    from revenue
    group by {{ month_of('date') }}, currency
    union all
    {%- endfor %}
    {%- for figure, aggregate in [
        ('opening_balance', 'min_by(opening_balance, date)'),
        ('activity', 'sum(activity)'),
        ('payouts', 'sum(payouts)'),
        ('closing_balance', 'max_by(closing_balance, date)'),
    ] %}
    select
        {{ month_of('date') }} as month,
        'balance_reconciliation' as table_name,
        '' as item,
        currency,
        '{{ figure }}' as figure,
        {{ aggregate }} as value
    from balances
    group by {{ month_of('date') }}, currency
    union all
    {%- endfor %}
    {%- for figure in ['taxable_amount', 'tax_amount'] %}
    select
        month,
        'tax_summary' as table_name,
        concat_ws('/', country, region, tax_type, cast(rate as varchar)) as item,
        currency,
        '{{ figure }}' as figure,
        sum({{ figure }}) as value
    from taxes
    group by
        month, concat_ws('/', country, region, tax_type, cast(rate as varchar)), currency
    union all
    {%- endfor %}
    {%- for figure in ['debit', 'credit'] %}
    select
        {{ month_of('date') }} as month,
        'journal_entries' as table_name,
        account as item,
        currency,
        '{{ figure }}' as figure,
        sum({{ figure }}) as value
    from journal
    group by {{ month_of('date') }}, account, currency
    union all
    {%- endfor %}
    select
        month,
        table_name,
        '' as item,
        currency,
        figure,
        value
    from others
),

final as (
    select
        month,
        table_name,
        item,
        currency,
        figure,
        cast(value as decimal(38, 3)) as value
    from every_figure
    where value is not null
)

select * from final
