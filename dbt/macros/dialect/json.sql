{#-
    Reading a payload (JSON text). A value that is absent, null or of another type reads as null:
    the keys' tests and the controls name such objects; one odd object never ends a run.
    For many fields of many rows use `parse_json`, which reads the text once.
-#}
{% macro json_text(payload, path) -%} {{ adapter.dispatch('json_text')(payload, path) }} {%- endmacro %}
{% macro default__json_text(payload, path) -%}
    json_extract_string({{ payload }}, '{{ path }}')
{%- endmacro %}
{% macro spark__json_text(payload, path) -%} get_json_object({{ payload }}, '{{ path }}') {%- endmacro %}

{% macro json_int(payload, path) -%}
    try_cast({{ json_text(payload, path) }} as bigint)
{%- endmacro %}

{% macro json_bool(payload, path) -%}
    try_cast({{ json_text(payload, path) }} as boolean)
{%- endmacro %}

{#- A decimal that Stripe sends as a string (`unit_amount_decimal`: up to 12 decimals). -#}
{% macro json_decimal(payload, path) -%}
    try_cast({{ json_text(payload, path) }} as decimal(38, 12))
{%- endmacro %}

{#- The id of a field that is an id or, expanded, the object itself. -#}
{% macro json_id(payload, path) -%}
    coalesce({{ json_text(payload, path ~ '.id') }}, {{ json_text(payload, path) }})
{%- endmacro %}

{#-
    One parse of the whole payload into a struct. `fields` maps a name to a type: 'varchar',
    'bigint', 'boolean', 'decimal(38, 12)', 'json' (kept as text), a mapping (a nested object)
    or a list of one (an array). Spark SQL takes the same shape as a DDL string.
-#}
{% macro parse_json(payload, fields) -%} {{ adapter.dispatch('parse_json')(payload, fields) }} {%- endmacro %}
{% macro default__parse_json(payload, fields) -%}
    json_transform({{ payload }}, '{{ tojson(fields) }}')
{%- endmacro %}
{% macro spark__parse_json(payload, fields) -%}
    from_json({{ payload }}, '{{ spark_ddl(fields) }}')
{%- endmacro %}

{% macro spark_ddl(shape) -%}
    {%- if shape is mapping -%}
        struct<{% for name, inner in shape.items() %}{{ name }}: {{ spark_ddl(inner) }}{{ ', ' if not loop.last }}{% endfor %}>
    {%- elif shape is string -%} {{ 'string' if shape in ('varchar', 'json') else shape }}
    {%- else -%} array<{{ spark_ddl(shape[0]) }}>
    {%- endif -%}
{%- endmacro %}

{#- A row for each entry of an array column; used in a select list. -#}
{% macro explode_array(array) -%} {{ adapter.dispatch('explode_array')(array) }} {%- endmacro %}
{% macro default__explode_array(array) -%} unnest({{ array }}) {%- endmacro %}
{% macro spark__explode_array(array) -%} explode({{ array }}) {%- endmacro %}

{#- A row `{key, value}` for each entry of a map column; used in a select list. -#}
{% macro explode_map(map) -%} {{ adapter.dispatch('explode_map')(map) }} {%- endmacro %}
{% macro default__explode_map(map) -%} unnest(map_entries({{ map }})) {%- endmacro %}
{% macro spark__explode_map(map) -%} explode(map_entries({{ map }})) {%- endmacro %}

{#-
    Sum of `field` over the entries of an array column, optionally of those that meet `condition`
    (which names an entry `entry`); null for an array that is null.
-#}
{% macro sum_of(array, field, condition='true') -%}
    {{ adapter.dispatch('sum_of')(array, field, condition) }}
{%- endmacro %}
{% macro default__sum_of(array, field, condition) -%}
    case when {{ array }} is not null then coalesce(cast(list_sum(list_transform(
        list_filter({{ array }}, lambda entry: {{ condition }}), lambda entry: entry.{{ field }}
    )) as bigint), 0) end
{%- endmacro %}
{% macro spark__sum_of(array, field, condition) -%}
    aggregate(
        filter({{ array }}, entry -> {{ condition }}),
        cast(0 as bigint), (total, entry) -> total + entry.{{ field }}
    )
{%- endmacro %}

{#- The ids of a field (an id or an expanded object) of an array's entries, as an array. -#}
{% macro ids_of(array, field) -%} {{ adapter.dispatch('ids_of')(array, field) }} {%- endmacro %}
{% macro default__ids_of(array, field) -%}
    list_transform({{ array }}, lambda entry: {{ json_id('entry.' ~ field, '$') }})
{%- endmacro %}
{% macro spark__ids_of(array, field) -%}
    transform({{ array }}, entry -> {{ json_id('entry.' ~ field, '$') }})
{%- endmacro %}

{#- An array of one value; null when the value is. -#}
{% macro array_of(value) -%} {{ adapter.dispatch('array_of')(value) }} {%- endmacro %}
{% macro default__array_of(value) -%} case when {{ value }} is not null then [{{ value }}] end {%- endmacro %}
{% macro spark__array_of(value) -%} case when {{ value }} is not null then array({{ value }}) end {%- endmacro %}

{#- The first entry of an array. -#}
{% macro first_of(array) -%} {{ adapter.dispatch('first_of')(array) }} {%- endmacro %}
{% macro default__first_of(array) -%} ({{ array }})[1] {%- endmacro %}
{% macro spark__first_of(array) -%} element_at({{ array }}, 1) {%- endmacro %}

{#- A row for each entry of an array column with its place: columns `entry` and `position`. -#}
{% macro explode_with_position(array) -%}
    {{ adapter.dispatch('explode_with_position')(array) }}
{%- endmacro %}
{% macro default__explode_with_position(array) -%}
    unnest({{ array }}) as entry, generate_subscripts({{ array }}, 1) as position
{%- endmacro %}
{% macro spark__explode_with_position(array) -%}
    posexplode({{ array }}) as (position, entry)
{%- endmacro %}

{#- The value of a key of a map column; null when it is absent. -#}
{% macro map_value(map, key) -%} {{ adapter.dispatch('map_value')(map, key) }} {%- endmacro %}
{% macro default__map_value(map, key) -%} {{ map }}[{{ key }}] {%- endmacro %}
{% macro spark__map_value(map, key) -%} element_at({{ map }}, {{ key }}) {%- endmacro %}

{#- A part of a payload, as JSON text. -#}
{% macro json_part(payload, path) -%} {{ adapter.dispatch('json_part')(payload, path) }} {%- endmacro %}
{% macro default__json_part(payload, path) -%}
    cast(json_extract({{ payload }}, '{{ path }}') as varchar)
{%- endmacro %}
{% macro spark__json_part(payload, path) -%} get_json_object({{ payload }}, '{{ path }}') {%- endmacro %}

{#- The sum of the whole numbers of a JSON object such as {"charge": 3, "refund": 1}. -#}
{% macro json_total(payload) -%} {{ adapter.dispatch('json_total')(payload) }} {%- endmacro %}
{% macro default__json_total(payload) -%}
    cast(list_sum(map_values(
        json_transform({{ payload }}, '"MAP(VARCHAR, BIGINT)"')
    )) as bigint)
{%- endmacro %}
{% macro spark__json_total(payload) -%}
    aggregate(
        map_values(from_json({{ payload }}, 'map<string, bigint>')),
        cast(0 as bigint), (total, value) -> total + value
    )
{%- endmacro %}

{#- Whether two JSON objects have a field of the same name. -#}
{% macro have_common_fields(one, other) -%}
    {{ adapter.dispatch('have_common_fields')(one, other) }}
{%- endmacro %}
{% macro default__have_common_fields(one, other) -%}
    list_has_any(json_keys({{ one }}), json_keys({{ other }}))
{%- endmacro %}
{% macro spark__have_common_fields(one, other) -%}
    arrays_overlap(json_object_keys({{ one }}), json_object_keys({{ other }}))
{%- endmacro %}

{#-
    The value of a field of a JSON object with another object laid over it (RFC 7396: a null takes
    the field away): `stated` and `changed` are the two values, `names` the fields that the other
    object names (`json_names`). With `is_object` the values are JSON text, and an object is laid
    over member by member.
    Field by field and not text over text, because DuckDB's json_merge_patch keeps a kilobyte of
    each row to the query's end.
-#}
{% macro json_overlaid(name, stated, names, changed, is_object=false) -%}
    case
        when position(',{{ name }},' in {{ names }}) = 0 then {{ stated }}
        {%- if is_object %}
        when left({{ stated }}, 1) = '{' and left({{ changed }}, 1) = '{'
            then {{ json_patched(stated, changed) }}
        {%- endif %}
        else {{ changed }}
    end
{%- endmacro %}

{#- JSON text with another laid over it. Spark SQL has no such function: a session registers it. -#}
{% macro json_patched(payload, patch) -%} json_merge_patch({{ payload }}, {{ patch }}) {%- endmacro %}

{#-
    The fields that a JSON object names, also those that are null, as text: `,status,items,`. As an
    array each look into it would copy the array.
-#}
{% macro json_names(payload) -%} {{ adapter.dispatch('json_names')(payload) }} {%- endmacro %}
{% macro default__json_names(payload) -%}
    concat(',', array_to_string(json_keys({{ payload }}), ','), ',')
{%- endmacro %}
{% macro spark__json_names(payload) -%}
    concat(',', concat_ws(',', json_object_keys({{ payload }})), ',')
{%- endmacro %}

{#-
    Whether a JSON object holds another: each of its fields with its value, members of objects and
    entries of arrays likewise. Spark SQL has no such function: a session registers it.
-#}
{% macro json_holds(payload, part) -%} {{ adapter.dispatch('json_holds')(payload, part) }} {%- endmacro %}
{% macro default__json_holds(payload, part) -%}
    (
        list_has_all(json_keys({{ payload }}), json_keys({{ part }}))
        and json_contains({{ payload }}, {{ part }})
    )
{%- endmacro %}
{% macro spark__json_holds(payload, part) -%} json_object_holds({{ payload }}, {{ part }}) {%- endmacro %}
