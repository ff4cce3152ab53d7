"""When periodic jobs are due: pure, and the same in every process.

Nothing here reads a clock or talks to a store. A rule is asked for the next
*nominal* tick after an instant; all else hangs on that tick, never on "now".
"""
