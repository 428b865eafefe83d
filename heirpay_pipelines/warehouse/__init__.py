"""The warehouse: built with dbt beside the published file, which it replaces by one rename."""
