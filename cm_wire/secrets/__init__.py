"""Passwords, tokens and private keys in texts: where they are, and the text without them.

Owns which strings count as secrets (`providers`, `named_values`, `blocks`), how they are found in linear time (`scan`) and
which files are refused by name (`file_names`), and the refusals (`refusing`). Never tries a secret on its service.
"""
