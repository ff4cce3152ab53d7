"""Other queues for Python beside mainspring, each in an environment of its own."""
