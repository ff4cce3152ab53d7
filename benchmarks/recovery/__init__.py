"""How soon a job runs again after its lone worker was killed with -9, beside the peers."""
