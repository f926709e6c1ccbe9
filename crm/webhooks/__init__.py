"""Webhooks: what an organisation's people do here, told to a program of their own.

Terms:
    webhook: a rule that an admin made and consented to: which events, which address. It acts for its *maker* and is
        told what the maker may see.
    happening: something that a user did; one that only Google's data did is none.
    delivery: one happening on its way to one webhook: under one id, however often it is tried.
    challenge: the first delivery. It carries a code that the admin types here: whoever reads what arrives at the
        address owns it. Nothing else is sent before that.

Invariants: a delivery holds ids and codes, never content; the content is composed anew at each try, sealed, and opened
by the sink adaptor alone; what came from Google stays out, visibly; a record that only Google knows is not told of.
"""
