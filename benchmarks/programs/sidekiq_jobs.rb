# What Sidekiq runs: the same no-op job, counted the same way as in tally.py.
require "json"

Sidekiq.logger.level = Logger::WARN

module Tally
  LOCK = Mutex.new
  EXPECTED = Integer(ENV.fetch("BENCH_JOBS", "0"))
  @count = 0

  def self.clocks
    [Process::CLOCK_MONOTONIC, Process::CLOCK_PROCESS_CPUTIME_ID].map { |id| Process.clock_gettime(id) }
  end

  def self.tell(event, **facts)
    $stdout.puts(JSON.generate({event: event}.merge(facts)))
    $stdout.flush
  end

  def self.one
    number = LOCK.synchronize { @count += 1 }
    if number == 1
      @began = clocks
    elsif number == EXPECTED
      seconds, cpu = clocks.zip(@began).map { |now, began| now - began }
      tell("done", seconds: seconds, cpu: cpu)
    end
  end

  def self.total
    tell("total", count: @count)
  end
end

class Nop
  include Sidekiq::Worker

  def perform(_number)
    Tally.one
  end
end

Sidekiq.configure_server do |config|
  config.on(:startup) { Tally.tell("ready") }
  config.on(:shutdown) { nil }
end

at_exit { Tally.total }
