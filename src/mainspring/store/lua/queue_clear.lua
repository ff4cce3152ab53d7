-- queue_clear: empty a queue at once; what waited in it is put aside, to be dropped by queue_sweep part by part.
--
-- Until then the queue stays listed, so that somebody finds it if the caller dies meanwhile.
--
-- KEYS[1]  list  queue:<name>            payloads
-- KEYS[2]  list  {queue:<name>}:cleared  those that are to be dropped
-- KEYS[3]  set   queues                  every queue name ever used
--
-- ARGV[1]  name  the queue's name
--
-- Returns  n   how many jobs were put aside
--          -1  those of an earlier call are there still, and are to be dropped first; nothing was done
-- include: lib/forbidden.lua

local queue, cleared, queues = KEYS[1], KEYS[2], KEYS[3]
local name = ARGV[1]

local n = redis.call("LLEN", queue)
if n > 0 and redis.call("EXISTS", cleared) == 1 then
  return -1
end
-- An ACL that forbids one of these is met before the first write, lest it is half done.
local refusal = forbidden("SREM", queues, "RPUSH", cleared)
if refusal then
  return refusal
end
if n > 0 then
  redis.call("RENAME", queue, cleared)
else
  redis.call("SREM", queues, name)
end
return n
