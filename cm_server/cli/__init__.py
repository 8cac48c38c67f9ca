"""The operator's command line.

Owns: arguments, what is printed, exit codes. Does not own anything a command does beyond that. To add a command, put a
module into `commands`; its docstring's first line is its help.
"""
