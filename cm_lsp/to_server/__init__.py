"""The two channels to the server, and what keeps them up.

Owns sockets, resuming, waiting between tries, and what is kept while there is no connection. Does not own what a command
or a fact means to the user.
"""
