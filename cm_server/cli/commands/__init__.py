"""One module per command, named as it is typed.

Each has a docstring, `add_arguments(parser)` and `run(arguments) -> int`, and imports what is heavy inside `run`, so that
help and wrong usage answer at once. A failure is raised as `exits.Stopped`.
"""
