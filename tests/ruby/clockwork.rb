# frozen_string_literal: true

# The real clockwork under a simulated clock. It reads one JSON object:
#
#   zone      the zone of the machine, as where clockwork runs without tz:
#   starts    unix seconds at which a clock process begins, which knows nothing of the one before it
#   until     where the last one ends
#   step      seconds between two looks; the real one looks each second
#   minutes   the minutes of the UTC hour in which it looks at all; null for each
#   late      looks that come late: the second due to the second at which it really looks
#   events    name to [period in seconds, at, or a list of these]
#
# and prints for each event the unix seconds at which it ran; null if clockwork refuses it.

require "clockwork"
require "json"

def clock(events, runs)
  manager = Clockwork::Manager.new
  manager.configure { |config| config[:logger] = Logger.new(nil) }
  events.each do |name, (period, at)|
    manager.every(period, name, at: at) { |_, t| runs[name] << t.to_i }
  rescue Clockwork::At::FailedToParse
    runs[name] = nil
  end
  manager
end

asked = JSON.parse($stdin.read)
ENV["TZ"] = asked["zone"]
step, minutes, late = asked.values_at("step", "minutes", "late")
runs = asked["events"].transform_values { [] }
[*asked["starts"], asked["until"]].each_cons(2) do |from, to|
  manager = clock(asked["events"], runs)
  from.step(to - 1, step) do |t|
    next if minutes && !minutes.include?(t / 60 % 60)

    manager.tick(Time.at(late.fetch(t.to_s, t)))
  end
end
puts JSON.generate(runs)
