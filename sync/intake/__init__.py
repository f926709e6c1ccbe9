"""Where plaintext from Google is read, indexed and sealed, and then dropped.

While a text is at hand, everything that will be needed of it is computed at once: blind indexes, flags, a keyed digest
to see change, search terms. What leaves here is sealed values, digests, flags, counts and times; nothing that is
handed on can be read back. Whatever Google sends is taken: broken headers, unknown charsets and impossible
recurrences lose what cannot be read, are counted where an item is lost, and never raise.
"""
