"""Benchmarks: each figure beside its budget, and beside a peer or baseline that was measured in the same run.

They speak to the running product as its users do: over HTTP, and through the operators' commands. A figure over its
budget is said to be MISSED and fails nothing: machines differ, and a gate that cries wolf is switched off. Read the
ratio to the peer first: it travels from machine to machine, seconds do not.
"""
