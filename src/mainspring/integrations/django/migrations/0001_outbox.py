"""Make the tables of the outbox."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """The first migration."""

    initial = True
    dependencies = ()
    operations = (
        migrations.CreateModel(
            name="OutboxSource",
            fields=(
                ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("name", models.TextField()),
                ("number", models.BigIntegerField()),
            ),
            options={"db_table": "mainspring_outbox_source"},
        ),
        migrations.CreateModel(
            name="OutboxJob",
            fields=(
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("jid", models.TextField()),
                ("queue", models.TextField()),
                ("at", models.FloatField(null=True)),
                ("payload", models.TextField()),
                ("created_at", models.FloatField()),
                ("batch", models.BigIntegerField(null=True)),
            ),
            options={
                "db_table": "mainspring_outbox",
                "indexes": (models.Index(fields=["batch", "id"], name="mainspring_outbox_batch_id"),),
            },
        ),
    )
