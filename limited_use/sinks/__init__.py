"""Sink adaptors: one for each class of place that anything guarded may go to, and none for the others.

An adaptor is given a finished document with guarded values still in it; it has the guard open them and puts them in,
escaped for its medium. What it returns is the document as it leaves: bytes or text that cannot be taken apart again
into values. A value opened for one sink therefore never reaches another.
"""
