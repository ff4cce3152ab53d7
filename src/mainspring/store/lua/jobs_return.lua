-- jobs_return: give jobs back to the head of their queue, so that they run next.
--
-- KEYS[1]  hash  {queue:<name>}:p:<id>  seq -> payload
-- KEYS[2]  list  queue:<name>           payloads, newest at the head
-- KEYS[3]  set   queues                 every queue name ever used
--
-- ARGV[1]     name  the queue's name
-- ARGV[2...]  seq   deliveries, the newest first
--
-- Returns  {1 or 0, ...}  for each: 1 given back, 0 no longer this process's
-- include: lib/forbidden.lua

local inflight, queue, queues = KEYS[1], KEYS[2], KEYS[3]
local name = ARGV[1]

-- Fails here if the key is no list any more: an error after the first write would lose a job.
redis.call("LLEN", queue)
-- An ACL that forbids one of these is met before the first write, lest jobs are lost.
local refusal = forbidden("RPUSH", queue, "SADD", queues)
if refusal then
  return refusal
end
local out = {}
for i = 2, #ARGV do
  local seq = ARGV[i]
  local payload = redis.call("HGET", inflight, seq)
  out[i - 1] = redis.call("HDEL", inflight, seq, "_run:" .. seq) > 0 and payload and 1 or 0
  if payload then
    redis.call("RPUSH", queue, payload)
    -- The queue may have been cleared meanwhile, and its name with it.
    redis.call("SADD", queues, name)
  end
end
return out
