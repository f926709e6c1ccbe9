"""The main job, driven over HTTP from outside: as a user's browser, as Google, and as a curious reader of copies.

Nothing of the product is imported here. What the story claims is checked against the running product, and the
summary it writes (DESIGN.md §8) holds only what was measured.
"""
