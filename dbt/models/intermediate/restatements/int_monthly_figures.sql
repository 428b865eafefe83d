-- noqa: disable=LT02
-- The monthly figures of this build that a later build may restate, one per row.
{%- set tables = {
    'mrr_monthly': ['mrr', 'mrr_list', 'mrr_net_all', 'active_subscriptions', 'active_customers'],
    'churn_monthly': [
        'customers_new', 'customers_churned', 'customers_reactivated', 'mrr_new',
        'mrr_reactivation', 'mrr_expansion', 'mrr_contraction', 'mrr_churned'
    ],
    'revenue_recognition': ['billed', 'recognised', 'deferred_end'],
} %}
with
{%- for table in tables %}
{{ table }} as (
    select * from {{ ref(table) }}
),
{% endfor %}
final as (
{%- for table, figures in tables.items() %}
    {%- set outer = loop %}
    {%- for figure in figures %}
    select
        '{{ table }}' as table_name,
        month,
        currency,
        '{{ figure }}' as figure,
        cast({{ figure }} as decimal(38, 3)) as value
    from {{ table }}
    {%- if not (loop.last and outer.last) %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endfor %}
)

select * from final
