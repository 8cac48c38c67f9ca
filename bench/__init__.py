"""Benchmarks: each module is one, prints ratios of things measured in the same run, and can be run by itself.

The machines they run on are shared and noisy, so an absolute figure means little and a ratio much. None of them is a
test: nothing here decides whether a change may go in.
"""
