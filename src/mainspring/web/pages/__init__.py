"""The pages, a file for each noun: what it reads, and what can be done there.

Each has ``PAGES`` and, if something can be done, ``ACTIONS``; `mainspring.web.routes` lists them all.
"""
