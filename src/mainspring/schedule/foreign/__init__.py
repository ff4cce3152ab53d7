"""Schedules of other systems, read: crontabs, and the YAML files of sidekiq-cron and sidekiq-scheduler.

Texts in, entries out. What has no equivalent here is not dropped: it comes with the reason.
"""
