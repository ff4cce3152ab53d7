"""How long jobs wait and run, and how many fail: counted in each process, kept in the store.

`histogram` holds the arithmetic, `recorder` counts for one process.
"""
