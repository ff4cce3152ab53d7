# Sidekiq: run by its own command, and as a program, with "push", it enqueues the one job.
require "sidekiq"
require "json"

class Hold
  include Sidekiq::Worker

  def perform
    $stdout.puts(JSON.generate(event: "started", at: Process.clock_gettime(Process::CLOCK_MONOTONIC)))
    $stdout.flush
    sleep 3600
  end
end

Hold.perform_async if ARGV == ["push"]
