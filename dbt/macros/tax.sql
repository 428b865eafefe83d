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
