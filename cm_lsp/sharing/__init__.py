"""Keeps the editor's documents and the session's shared texts equal, whoever types and whenever.

Owns text positions, edit operations, the bridge between one document and one shared text, and what
must be known of each editor to drive it. Does not own the CRDT library, the language server, the
network or the clock: everything here is values in, values out, so that every race can be replayed.
"""
