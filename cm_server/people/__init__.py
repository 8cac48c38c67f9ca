"""People: who they are, what mentors can do and charge, and the tokens that prove it is them.

Owns: accounts, mentors' profiles, tokens. Does not own presence (who is online now), ratings or money.
"""
