"""The only room that knows the server.

`command` says what a call is, `connection` makes it, `keys` names every key,
`lua/` holds every script, and the other files are verbs: functions that return
commands.
"""
