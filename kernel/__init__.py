"""What every package stands on, and nothing of the domain: a closed list.

settings, clock, ids, errors, database, work, jobs, diagnostics, embedded, runtime. A new file here needs a
decision record (docs/decisions).
"""
