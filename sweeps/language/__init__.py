"""The language of a sweep's file.

plain_yaml   the part of YAML that is read
task_text    how a task is written
where        the filter's expressions
list_text    lists as texts
field_types  how values of fields are read, and what is allowed
transfer     the section `transfer`
"""
