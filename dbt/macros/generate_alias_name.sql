{#-
    `stg_charges` becomes `staging.charges`, `int_…` `intermediate.…`; marts carry their own name.
    An explicit `alias` wins.
-#}
{% macro generate_alias_name(custom_alias_name=none, node=none) -%}
    {%- if custom_alias_name -%} {{ custom_alias_name | trim }}
    {%- elif node.name.startswith('stg_') or node.name.startswith('int_') -%} {{ node.name[4:] }}
    {%- else -%} {{ node.name }}
    {%- endif -%}
{%- endmacro %}
