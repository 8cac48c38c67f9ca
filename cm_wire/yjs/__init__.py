"""What crosses the document channel: Yjs updates, their admission, the y-websocket frames, awareness.

Owns the bytes and the decision whether an update may reach the CRDT library. Does not own the CRDT:
nothing in here imports pycrdt, so both doors (server and language server) share one check.
"""
