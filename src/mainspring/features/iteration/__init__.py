"""Iteration: a long job that is many short ones, stops between two of them and goes on from there.

The job is a generator that yields its cursor after each item. The cursor is saved every
few seconds, and where the job is stopped. So a deploy costs nothing, and the death of
a process at most what was done since the last save.
"""

from mainspring.features.iteration.made import Decorator, Iteration, of, whole
from mainspring.features.iteration.running import EVERY, Runner, runner

__all__ = ["EVERY", "Decorator", "Iteration", "Runner", "of", "runner", "whole"]
