{#-
    The taxes of documents' shipping, one row per rate: no line of a document is its shipping, the
    taxes stand beside its cost. `model` has `shipping_amount` and `shipping_tax_amount` of each
    document and, where they were expanded, `shipping_taxes`; `id` names the document's id.
-#}
{% macro shipping_taxes(model, id) -%}
with documents as (
    select id, currency, shipping_amount, shipping_tax_amount, shipping_taxes
    from {{ ref(model) }}
    where shipping_tax_amount <> 0 or shipping_taxes is not null
),

exploded as (
    select
        id,
        currency,
        shipping_amount,
        shipping_tax_amount,
        {{ explode_array('shipping_taxes') }} as tax
    from documents
),

stated as (
    select
        id as {{ id }},
        coalesce(
            {{ json_id('tax.tax_rate_details.tax_rate', '$') }}, {{ json_id('tax.rate', '$') }}
        ) as tax_rate_id,
        tax.tax_behavior as tax_behavior,
        {{ json_bool('tax.rate', '$.inclusive') }} as is_inclusive,
        tax.taxability_reason as taxability_reason,
        currency,
        coalesce(tax.taxable_amount, shipping_amount - shipping_tax_amount) as taxable_amount,
        tax.amount as amount
    from exploded
),

-- Where the taxes were not expanded, the sum is all that is known.
every_tax as (
    select * from stated
    union all
    select
        id as {{ id }},
        cast(null as varchar) as tax_rate_id,
        cast(null as varchar) as tax_behavior,
        cast(null as boolean) as is_inclusive,
        cast(null as varchar) as taxability_reason,
        currency,
        shipping_amount - shipping_tax_amount as taxable_amount,
        shipping_tax_amount as amount
    from documents
    where shipping_tax_amount <> 0 and id not in (select {{ id }} from stated)
),

final as (
    select
        {{ id }},
        row_number() over (
            partition by {{ id }}
            order by tax_rate_id, taxability_reason, amount, taxable_amount
        ) as tax_number,
        tax_rate_id,
        coalesce(tax_behavior = 'inclusive', is_inclusive, false) as is_inclusive,
        taxability_reason,
        currency,
        taxable_amount,
        amount
    from every_tax
)

select * from final
{%- endmacro %}
