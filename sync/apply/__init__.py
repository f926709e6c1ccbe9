"""Storing what was decided: one short transaction a page, everything of it or nothing.

Each transaction holds the lease of its run, the grant as active, and the collection's row; in it rows are written in
bulk, people are matched, and the place in Google's list and the counts move together with what they cover.
"""
