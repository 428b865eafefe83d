{#-
    A table of a database that holds nothing yet: made under its own name, described, committed.
    dbt's `table` builds beside an older table, asks for its columns twice, and renames; that is half
    of the time of a model, and the build database is always a new file.
-#}
{% materialization fresh_table, adapter='duckdb' %}
    {%- set target = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks) }}
    {% call statement('main') -%}
        create or replace table {{ target }} as (
            {{ compiled_code }}
        )
    {%- endcall %}
    {{ run_hooks(post_hooks) }}
    {% do duckdb__describe(target, model) %}
    {% do adapter.commit() %}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}

{#- All comments in one statement. dbt's `persist_docs` asks for the columns first and takes a
    statement for the table's own. -#}
{% macro duckdb__describe(relation, model) %}
    {% set comments %}
        {% if config.persist_relation_docs() and model.description %}
        {{ alter_relation_comment(relation, model.description) }}
        {% endif %}
        {% if config.persist_column_docs() and model.columns %}
        {{ alter_column_comment(relation, model.columns) }}
        {% endif %}
    {% endset %}
    {% if comments | trim %}{% do run_query(comments) %}{% endif %}
{% endmacro %}

{#- A column that is described and not there is an error: nothing is described in vain. -#}
{% macro duckdb__alter_column_comment(relation, column_dict) %}
    {% for name, column in column_dict.items() if column.description %}
    comment on column {{ relation }}.{{ adapter.quote(name) }} is {{ duckdb_escape_comment(column.description) }};
    {% endfor %}
{% endmacro %}
