"""From "I am stuck" to a session: what an ask says, its preview, the waiting; and a mentor's offers.

Owns what leaves this machine with an ask. Does not own who is asked, or what it costs: the server says that.
"""
