"""The tables of the outbox as Django's models; what is written and read there, mainspring does by itself."""

from __future__ import annotations

from django.db import models

from mainspring.features.outbox.table import JOBS, SOURCE


class OutboxJob(models.Model):
    """A job that its transaction has written, and no relay has pushed yet."""

    jid = models.TextField()
    queue = models.TextField()
    at = models.FloatField(null=True)
    payload = models.TextField()
    created_at = models.FloatField()
    batch = models.BigIntegerField(null=True)

    class Meta:
        """Where it is."""

        db_table = JOBS
        indexes = (models.Index(fields=["batch", "id"], name=f"{JOBS}_batch_id"),)

    def __str__(self) -> str:
        """Return the job's id and its queue."""
        return f"{self.jid} for {self.queue}"


class OutboxSource(models.Model):
    """The one row that numbers the batches."""

    id = models.SmallIntegerField(primary_key=True)
    name = models.TextField()
    number = models.BigIntegerField()

    class Meta:
        """Where it is."""

        db_table = SOURCE

    def __str__(self) -> str:
        """Return the outbox's name, and its newest number."""
        return f"{self.name} at {self.number}"
