-- enqueue: put a job into its queue, or keep it until it is due; without a payload, do nothing.
-- include: lib/ring.lua
local function enqueue(queue, queues, schedule, bell, name, payload, at)
  if payload ~= "" and at ~= "" then
    ring(schedule, bell, at)
    redis.call("ZADD", schedule, at, payload)
  elseif payload ~= "" then
    redis.call("SADD", queues, name)
    redis.call("LPUSH", queue, payload)
  end
end
