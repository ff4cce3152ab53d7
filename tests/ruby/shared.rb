# frozen_string_literal: true

# The jobs that Ruby and Python both know, and the oracle that both write to; `program.py` says the same in Python.
#
# Required by every Ruby program here. SOCKET is the server's, ORACLE the file, MARKS a folder for notes.

require "json"
require "sidekiq"
require "sidekiq/api"

module Oracle
  # Opened for appending and written to by single calls: what stands there has happened, and no line is torn.
  FILE = File.open(ENV["ORACLE"] || File::NULL, File::WRONLY | File::APPEND)

  def self.note(event, **facts)
    now = Process.clock_gettime(Process::CLOCK_BOOTTIME)
    record = {"event" => event, "side" => "ruby", "pid" => Process.pid, "at" => now, **facts}
    FILE.syswrite(JSON.generate(record) + "\n")
  end
end

module Marks
  def self.path(name)
    File.join(ENV.fetch("MARKS"), name)
  end

  # Whichever process asks first is told true, and nobody after it.
  def self.first?(name)
    File.open(path(name), File::WRONLY | File::CREAT | File::EXCL).close
    true
  rescue Errno::EEXIST
    false
  end
end

# Counts one number; fails at its first start if it is told to.
class Tally
  include Sidekiq::Job
  # Sidekiq adds chance to it, up to nine seconds, which `sidekiq.rb` takes away.
  sidekiq_retry_in { 1 }

  def perform(number, fails = false)
    Oracle.note("start", jid: jid, number: number)
    raise ArgumentError, "as number #{number} was told" if fails && Marks.first?("failed-#{number}")
    Oracle.note("done", jid: jid, number: number)
  end
end

# Runs until a mark is set.
class Hold
  include Sidekiq::Job

  def perform(name)
    Oracle.note("start", jid: jid, name: name)
    sleep 0.02 until File.exist?(Marks.path(name))
    Oracle.note("done", jid: jid, name: name)
  end
end

# Fails whenever it runs, and keeps its backtrace.
class Doomed
  include Sidekiq::Job
  sidekiq_options backtrace: true

  def perform(text)
    Oracle.note("start", jid: jid)
    raise ArgumentError, text
  end
end

# Does nothing but say so; what it is given is looked at elsewhere.
class Echo
  include Sidekiq::Job

  def perform(*args)
    Oracle.note("start", jid: jid)
    Oracle.note("done", jid: jid, args: args)
  end
end
