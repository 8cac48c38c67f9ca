"""The server: asks find mentors, sessions live in rooms, meters run, bills are settled.

Stages in the order a case passes them: `ask` ▶ `matching` ▶ `session` ▶ `meter` ▶ `billing`, on a floor of `people` and a few
modules without features. A stage may read the ones before it; `flow` alone says what follows what.
"""
