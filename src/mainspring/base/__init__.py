"""The ground floor: the standard library and msgspec only, no I/O, no clock.

Time and chance come in by argument, so everything here is tested by the thousand
per second and means the same in every process.
"""
