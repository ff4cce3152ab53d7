# Enqueues with Sidekiq's client: one by one, and many by push_bulk.
require "sidekiq"
require "json"

class Nop
  include Sidekiq::Worker
end

def rate(jobs)
  began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  yield
  jobs / (Process.clock_gettime(Process::CLOCK_MONOTONIC) - began)
end

jobs = Integer(ENV.fetch("BENCH_JOBS"))
many = Integer(ENV.fetch("BENCH_MANY"))
Nop.perform_async(0)
rates = {
  one: rate(jobs) { jobs.times { |number| Nop.perform_async(number) } },
  many: rate(many) do
    (0...many).each_slice(1000) { |slice| Sidekiq::Client.push_bulk("class" => Nop, "args" => slice.map { |n| [n] }) }
  end
}
left = Sidekiq.redis { |connection| connection.llen("queue:default") }
puts JSON.generate(event: "rates", rates: rates, pushed: 1 + jobs + many, left: left)
