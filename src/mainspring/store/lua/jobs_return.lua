-- jobs_return: give jobs back to the head of their queue, so that they run next.
--
-- KEYS[1]  hash  {queue:<name>}:p:<id>  seq -> payload
-- KEYS[2]  list  queue:<name>           payloads, newest at the head
--
-- ARGV[1...]  seq  deliveries, the newest first
--
-- Returns  {1 or 0, ...}  for each: 1 given back, 0 no longer this process's

local inflight, queue = KEYS[1], KEYS[2]

-- Fails here if the key is no list any more: an error after the first write would lose a job.
redis.call("LLEN", queue)
local out = {}
for i, seq in ipairs(ARGV) do
  local payload = redis.call("HGET", inflight, seq)
  out[i] = redis.call("HDEL", inflight, seq, "_run:" .. seq) > 0 and payload and 1 or 0
  if payload then
    redis.call("RPUSH", queue, payload)
  end
end
return out
