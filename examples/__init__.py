"""Programs that use mainspring as a stranger would."""
