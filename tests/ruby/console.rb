# frozen_string_literal: true

# Sidekiq::API on a line: reads `[method, argument, ...]`, answers `{"value": ...}` or `{"error": ...}`, until its input ends.

require_relative "shared"

# Notes each job that this process pushes, so that its callers can count them.
class NotePushed
  JIDS = []

  def call(_class, job, _queue, _pool)
    JIDS << job["jid"]
    yield
  end
end

Sidekiq.configure_client do |config|
  config.redis = {path: ENV.fetch("SOCKET")}
  config.logger.level = Logger::ERROR
  config.client_middleware { |chain| chain.add NotePushed }
end

module Console
  SETS = {"schedule" => Sidekiq::ScheduledSet, "retry" => Sidekiq::RetrySet, "dead" => Sidekiq::DeadSet}.freeze

  module_function

  # --- looking ---

  def stats
    stats = Sidekiq::Stats.new
    names = %i[processed failed enqueued scheduled_size retry_size dead_size processes_size workers_size
      default_queue_latency queues]
    names.to_h { |name| [name, stats.public_send(name)] }
  end

  def history(days)
    history = Sidekiq::Stats::History.new(days)
    {processed: history.processed, failed: history.failed}
  end

  def reset_stats
    Sidekiq::Stats.new.reset
  end

  def queues
    Sidekiq::Queue.all.map(&:name)
  end

  def queue(name)
    queue = Sidekiq::Queue.new(name)
    {size: queue.size, latency: queue.latency, paused: queue.paused?, jobs: queue.map { |job| record(job) }}
  end

  def set(name)
    set = SETS.fetch(name).new
    {size: set.size, jobs: set.map { |job| entry(job) }}
  end

  def scan(name, match)
    SETS.fetch(name).new.scan(match).map { |job| entry(job) }
  end

  def fetch(name, score)
    SETS.fetch(name).new.fetch(score).map { |job| entry(job) }
  end

  def find(name, jid)
    found = find_in(name, jid)
    found && (found.respond_to?(:at) ? entry(found) : record(found))
  end

  def processes
    set = Sidekiq::ProcessSet.new
    fields = %w[identity hostname pid started_at tag concurrency queues labels busy beat quiet rss rtt_us]
    {
      size: set.size, threads: set.total_concurrency, rss: set.total_rss, leader: set.leader,
      each: set.map { |one| fields.to_h { |field| [field, one[field]] }.merge("stopping" => one.stopping?) }
    }
  end

  def works
    works = Sidekiq::WorkSet.new
    {size: works.size, each: works.map { |process, thread, work| {process: process, thread: thread, **facts(work)} }}
  end

  # --- acting ---

  # One job of a queue or a set: find it, then act on it.
  def act(name, jid, action, *arguments)
    found = find_in(name, jid)
    found ? [found.public_send(action, *arguments)].map { |value| value ? true : false }.first : nil
  end

  # All jobs of a set, one after the other.
  def each(name, action, *arguments)
    SETS.fetch(name).new.each { |job| job.public_send(action, *arguments) }
    nil
  end

  # All jobs of the scheduled set, until it is empty; as those below, it returns the jids of what it pushed.
  def add_all
    set = Sidekiq::ScheduledSet.new
    pushed { set.each(&:add_to_queue) while set.size.positive? }
  end

  # Delete all jobs of a set, and say which were there to be deleted.
  def delete_each(name)
    set = SETS.fetch(name).new
    set.to_a.select { |job| [true, 1].include?(set.delete_by_value(name, job.value)) }.map(&:jid)
  end

  # As `delete_each`, of a queue.
  def delete_waiting(name)
    Sidekiq::Queue.new(name).select(&:delete).map(&:jid)
  end

  def retry_all
    pushed { Sidekiq::RetrySet.new.retry_all }
  end

  def kill_all
    Sidekiq::RetrySet.new.kill_all
  end

  def revive_all
    pushed { Sidekiq::DeadSet.new.retry_all }
  end

  def clear(name)
    (SETS[name]&.new || Sidekiq::Queue.new(name)).clear
    nil
  end

  # quiet!, stop! or dump_threads
  def signal(identity, what)
    Sidekiq::ProcessSet.new.find { |one| one.identity == identity }.public_send(what)
    nil
  end

  def push(item)
    Sidekiq::Client.push(item)
  end

  # What Ruby makes of each text if it reads and writes it.
  def rewrite(texts)
    texts.map { |text| Sidekiq.dump_json(Sidekiq.load_json(text)) }
  end

  # --- within ---

  def pushed
    NotePushed::JIDS.clear
    yield
    NotePushed::JIDS.dup
  end

  def find_in(name, jid)
    (SETS[name]&.new || Sidekiq::Queue.new(name)).find_job(jid)
  end

  # A hash in Sidekiq 6, an object since.
  def facts(work)
    work.is_a?(Hash) ? work : {queue: work.queue, run_at: work.run_at.to_i, payload: work.job.item}
  end

  def record(job)
    {
      jid: job.jid, klass: job.klass, display_class: job.display_class, args: job.args, queue: job.queue, tags: job.tags,
      created_at: job.created_at.to_f, enqueued_at: job.enqueued_at&.to_f, latency: job.latency, value: job.value
    }
  end

  def entry(job)
    record(job).merge(
      at: job.at.to_f, score: job.score, is_error: job.error?, error_class: job["error_class"],
      error_message: job["error_message"], retry_count: job["retry_count"], failed_at: job["failed_at"],
      retried_at: job["retried_at"], backtrace: job.error_backtrace
    )
  end
end

$stdout.sync = true
$stdin.each_line do |line|
  method, *arguments = JSON.parse(line)
  answer = begin
    {"value" => Console.public_send(method, *arguments)}
  rescue => error
    {"error" => "#{error.class}: #{error.message}\n#{error.backtrace.first(5).join("\n")}"}
  end
  $stdout.puts JSON.generate(answer)
end
