"""The language of a sweep's file.

plain_yaml   the part of YAML that is read
task_text    how a task is written
where        the filter's expressions
"""
