"""What a person types: ``mainspring worker``, ``mainspring jobs``, and the other commands.

`main` is the door. Each command is read from its own module when it is asked for, so
that none pays for what the others need.
"""
