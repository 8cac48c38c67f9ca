"""What follows what: an ask is posted, so money is held, so mentors are rung; one accepts, so a session opens.

The stages know nothing of one another's consequences; this package alone does. Owns no table and no rule: it calls the
stages in their order, and tells people after the commit.
"""
