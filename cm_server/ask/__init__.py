"""An ask: a learner's question with its code and terms, from the moment it is posted until a mentor has it or nobody will.

Owns: the ask's states, its limits, its history. Does not own who is asked (`matching`) nor the money held for it (`billing`).
"""
