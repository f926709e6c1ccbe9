"""The Limited Use guard: labels, sealing, keys, policy, release, sinks and the log.

Content is ciphertext in the database and in memory. Documents are composed sealed and opened at the sink, by
the adaptor of that sink, after the policy has allowed it and the leaf of the log is durable (DESIGN.md §2).
"""
