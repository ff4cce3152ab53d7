-- queue_clear: delete a queue and all that waits in it.
--
-- KEYS[1]  list  queue:<name>  payloads
-- KEYS[2]  set   queues        every queue name ever used
--
-- ARGV[1]  name  the queue's name
--
-- Returns  n  how many jobs were deleted

local queue, queues = KEYS[1], KEYS[2]
local name = ARGV[1]

local n = redis.call("LLEN", queue)
redis.call("UNLINK", queue)
redis.call("SREM", queues, name)
return n
