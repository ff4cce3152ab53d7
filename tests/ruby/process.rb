# frozen_string_literal: true

# What `sidekiq -r` loads. Sidekiq itself is as it comes, but for some waits that are cut short.

require_relative "shared"

# Notes each job that this process moves out of the scheduled or the retry set.
class NoteForwarded
  def call(_class, job, _queue, _pool)
    Oracle.note("forwarded", jid: job["jid"], set: job.key?("retry_count") ? "retry" : "schedule")
    yield
  end
end

Sidekiq.configure_server do |config|
  config.redis = {path: ENV.fetch("SOCKET")}
  config.logger.level = Logger::WARN
  config.on(:heartbeat) { Oracle.note("ready") }
  config.on(:quiet) { Oracle.note("quiet") }
  config.client_middleware { |chain| chain.add NoteForwarded }
  # Sidekiq 6 has its options beside its configuration.
  options = config.respond_to?(:options) ? config.options : config
  # Between two looks for due jobs, 5 seconds by itself.
  options[:poll_interval_average] = 0.2
  options[:labels] = ENV.fetch("LABELS", "").split(",")
end

# Between two heartbeats, 5 or 10 seconds by itself.
Sidekiq::Launcher.send(:remove_const, :BEAT_PAUSE)
Sidekiq::Launcher::BEAT_PAUSE = 0.5

# What chance adds to the wait before a retry, up to 9 seconds.
Sidekiq::JobRetry.class_eval do
  private

  def rand(_most)
    0
  end
end

# And to the waits of the scheduler, up to 5 seconds before its first look.
Sidekiq::Scheduled::Poller.class_eval do
  private

  def rand
    0.1
  end
end
