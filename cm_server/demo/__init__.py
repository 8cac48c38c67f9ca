"""One real mentoring session, played by two real Neovims against a real server, while you watch.

Owns: the play. Does not own a second path: everything it does, a person could type. Only time is compressed, by the
server's documented clock factor.
"""
