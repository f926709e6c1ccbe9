"""Organisations, their members with roles, invitations, what members allowed us at Google (grants), consents."""
