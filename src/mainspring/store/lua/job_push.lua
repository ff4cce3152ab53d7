-- job_push: put jobs into a queue; if it is sent again, because its answer was lost, it does nothing.
--
-- KEYS[1]  list    queue:<name>                   payloads, newest at the head
-- KEYS[2]  set     queues                         every queue name ever used
-- KEYS[3]  string  {queue:<name>}:pushed:<token>  stands if this push was made
--
-- ARGV[1]     name     the queue's name
-- ARGV[2]     ttl_ms   how long the push is remembered; 0: it cannot be sent again
-- ARGV[3...]  payload  jobs, encoded, the one that shall run first coming first; at most 1,000
--
-- Returns  n  how long the queue is now
--          0  this push had been made before
-- include: lib/forbidden.lua

local queue, queues, pushed = KEYS[1], KEYS[2], KEYS[3]
local name, ttl_ms = ARGV[1], tonumber(ARGV[2])

if ttl_ms > 0 and redis.call("EXISTS", pushed) == 1 then
  return 0
end

-- An ACL that forbids one of these is met before the first write, lest jobs are stored of which the caller is told no.
local refusal = forbidden("SADD", queues, "SET", pushed)
if refusal then
  return refusal
end
local length = redis.call("LPUSH", queue, unpack(ARGV, 3))
redis.call("SADD", queues, name)
if ttl_ms > 0 then
  redis.call("SET", pushed, 1, "PX", ttl_ms)
end
return length
