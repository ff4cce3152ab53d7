-- queue_clear: delete a queue and all that waits in it.
--
-- KEYS[1]  list  queue:<name>  payloads
-- KEYS[2]  set   queues        every queue name ever used
--
-- ARGV[1]  name  the queue's name
--
-- Returns  n  how many jobs were deleted
-- include: lib/forbidden.lua

local queue, queues = KEYS[1], KEYS[2]
local name = ARGV[1]

local n = redis.call("LLEN", queue)
-- An ACL that forbids one of these is met before the first write, lest it is half done.
local refusal = forbidden("SREM", queues)
if refusal then
  return refusal
end
redis.call("UNLINK", queue)
redis.call("SREM", queues, name)
return n
