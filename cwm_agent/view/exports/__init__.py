"""Trajectories written for other programs and for people without this one."""
