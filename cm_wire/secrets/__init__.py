"""Passwords, tokens and private keys in texts: where they are, and the text without them.

Owns which strings count as secrets (`providers`, `named_values`, `blocks`), how they are found in linear time (`scan`) and
which files are refused by name (`file_names`). Does not own what happens then, and never tries a secret on its service.
"""
