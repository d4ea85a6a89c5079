"""Expressions over plain values: bounded, without side effects, and never by running a program."""
