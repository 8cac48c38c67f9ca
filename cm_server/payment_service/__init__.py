"""The embedded payment service: a stand-in for the part of Stripe we use. No real money moves.

Owns: its own state, Stripe's rules as far as our calls meet them, hosted demo pages, webhooks.
Does not own: anything of billing; it is reached only as Stripe is, by HTTP requests.
One would guess that it is a test double; it is also what `cm-server demo` pays with, so its state
survives a restart and its pages work in a browser.
"""
