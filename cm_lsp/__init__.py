"""The language server beside the editor: asks for a mentor, shares documents, shows session and meter.

Owns the editor's side of everything: what may leave the machine, what may be written into a buffer, how a
session looks through plain LSP. Does not own any rule about matching, metering or prices: those are the
server's, and what it says about them is shown as it is said.
"""
