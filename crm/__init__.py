"""The CRM: people and companies merged from facts, made by rule with recorded reasons; timeline, search, notes.

A record that no user made or touched is itself Google-derived: only who may see its grants sees that it exists.
"""
