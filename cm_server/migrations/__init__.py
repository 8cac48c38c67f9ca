"""The database's history, one file per change of shape; `cm_server.schema` runs it.

`make migration NAME="…"` writes a new one from the difference between the models and the newest migration. Read what
it wrote: it cannot know that a column was renamed, nor what old rows should hold in a new one.
"""
