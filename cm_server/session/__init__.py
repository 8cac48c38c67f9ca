"""A mentoring session: its state, its event log, its shared document and what is left of it afterwards.

Owns: states and their table, the hash-chained log every bill is recomputed from, files and chat, rooms (the live
documents) and the durable log of edits. Does not own: what counts and costs (`meter`), cards, sockets' frames, what
follows from an event (`flow`).
"""
