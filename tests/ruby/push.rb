# frozen_string_literal: true

# A Ruby client: pushes the numbers FIRST to LAST in every way that Sidekiq has.
#
# ruby push.rb FIRST LAST EVERY: each EVERY-th of them is told to fail once.

require_relative "shared"

FIRST, LAST, EVERY = ARGV.map { |text| Integer(text) }
QUEUES = %w[default mailers].freeze

Sidekiq.configure_client { |config| config.redis = {path: ENV.fetch("SOCKET")} }

fails = ->(number) { (number % EVERY).zero? }
numbers = (FIRST..LAST).to_a
fifth = numbers.size / 5
now = Time.now.to_f

numbers.shift(fifth).each { |number| Tally.perform_async(number, fails.(number)) }
numbers.shift(fifth).each { |number| Tally.set(queue: QUEUES[number % 2], retry: 5).perform_async(number, fails.(number)) }
numbers.shift(fifth).each_slice(250) do |some|
  args = some.map { |number| [number, fails.(number)] }
  Sidekiq::Client.push_bulk("class" => Tally, "args" => args, "queue" => QUEUES[some.first % 2])
end
numbers.shift(fifth).each { |number| Tally.perform_in(0.5 + number % 50 * 0.03, number, fails.(number)) }
# Several at one time, as in life.
numbers.each { |number| Tally.perform_at(now + 1 + number % 5 * 0.5, number, fails.(number)) }
