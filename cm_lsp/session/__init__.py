"""A live session on this side: who, which files, whose cursor is where, what the meter says.

Owns what a fact or a frame of the session means for this editor. Does not own the race between texts (`sharing`) or the
sockets (`to_server`).
"""
