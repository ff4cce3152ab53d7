-- job_push: put jobs into a queue.
--
-- KEYS[1]  list  queue:<name>  payloads, newest at the head
-- KEYS[2]  set   queues        every queue name ever used
--
-- ARGV[1]     name     the queue's name
-- ARGV[2...]  payload  jobs, encoded, the one that shall run first coming first; at most 1,000
--
-- Returns  n  how long the queue is now

local queue, queues = KEYS[1], KEYS[2]
local name = ARGV[1]

redis.call("SADD", queues, name)
return redis.call("LPUSH", queue, unpack(ARGV, 2))
