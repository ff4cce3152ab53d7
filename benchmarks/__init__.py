"""How fast mainspring is, measured beside its peers on one server in one run: ``python -m benchmarks``."""
