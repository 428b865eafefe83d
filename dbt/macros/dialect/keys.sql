{#- One text key from several columns. -#}
{% macro text_key(columns) -%} concat_ws('|', {{ columns | join(', ') }}) {%- endmacro %}

{#- Division of integers towards zero. -#}
{% macro whole_quotient(n, d) -%} {{ adapter.dispatch('whole_quotient')(n, d) }} {%- endmacro %}
{% macro default__whole_quotient(n, d) -%} (({{ n }}) // ({{ d }})) {%- endmacro %}
{% macro spark__whole_quotient(n, d) -%} (({{ n }}) div ({{ d }})) {%- endmacro %}
