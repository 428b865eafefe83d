{#-
    What is taxed is decided here and nowhere else, by a tax line's amount and rate, whatever its
    reason says: a rate made by hand carries `not_available`. Tax of nothing at a rate above zero is
    exempt or reverse charge and never a taxed base, unless the base is too small to give a minor
    unit. `customer_exempt` is Stripe's tax_exempt of the customer: none, exempt or reverse.
-#}
{% macro is_taxed(amount, rate, taxable_amount, reason, customer_exempt) -%}
    case
        when {{ amount }} <> 0 then true
        when coalesce({{ customer_exempt }}, 'none') in ('exempt', 'reverse') then false
        when not {{ is_taxing_reason(reason) }} then false
        when coalesce({{ rate }}, 0) = 0 then true
        else abs({{ taxable_amount }}) * {{ rate }} < 100
    end
{%- endmacro %}

{#- Whether a reason, if it is true, says that tax is due at some rate, of zero too. -#}
{% macro is_taxing_reason(reason) -%}
    coalesce({{ reason }}, 'not_available') in (
        'standard_rated', 'reduced_rated', 'zero_rated', 'portion_standard_rated',
        'portion_reduced_rated', 'proportionally_rated', 'taxable_basis_reduced', 'not_available'
    )
{%- endmacro %}

{#- The reason as it was in fact: a line that is not taxed never keeps one that taxes. -#}
{% macro tax_reason(is_taxed, reason, customer_exempt) -%}
    case
        when {{ is_taxed }} or not {{ is_taxing_reason(reason) }} then {{ reason }}
        when {{ customer_exempt }} = 'reverse' then 'reverse_charge'
        when {{ customer_exempt }} = 'exempt' then 'customer_exempt'
        else 'product_exempt'
    end
{%- endmacro %}

{#- What credit notes (a relation like int_credit_note_taxes) took back of each tax of an invoice. -#}
{% macro credited_of_line(credits, measures) -%}
    select
        invoice_id,
        invoice_line_id as line_id,
        invoice_tax_number as tax_number
        {%- for measure in measures %},
        sum({{ measure }}) as {{ measure }}
        {%- endfor %}
    from {{ credits }}
    where invoice_tax_number is not null
    group by invoice_id, invoice_line_id, invoice_tax_number
{%- endmacro %}
