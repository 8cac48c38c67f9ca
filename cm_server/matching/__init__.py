"""Matching: which mentors fit an ask, in which order and why, and the offers that find one of them.

Owns: presence, mentors' track records, ranking, offers, waves, engagements (who is taken). Does not own what a mentor says
of themselves (`people`), what an ask holds (`ask`), nor what follows an acceptance (`flow`).
"""
