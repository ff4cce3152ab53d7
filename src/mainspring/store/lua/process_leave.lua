-- process_leave: end a process's ownership, giving back whatever it still holds.
--
-- KEYS[1]  hash    {queue:<name>}:p:<id>     seq -> payload
-- KEYS[2]  list    queue:<name>              payloads, newest at the head
-- KEYS[3]  string  {queue:<name>}:l:<id>     the lease
-- KEYS[4]  set     {queue:<name>}:owners     identities that may hold jobs
-- KEYS[5]  hash    {queue:<name>}:suspect    identities seen without a lease
-- KEYS[6]  set     queues                    every queue name ever used
--
-- ARGV[1]  id    the process's identity
-- ARGV[2]  name  the queue's name
--
-- Returns  n  how many jobs were given back
-- include: lib/forbidden.lua
-- include: lib/inflight.lua

local inflight, queue, lease, owners, suspect, queues = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local id, name = ARGV[1], ARGV[2]

-- Fails here if the key is no list any more: an error after the first write would lose all jobs.
redis.call("LLEN", queue)
-- An ACL that forbids one of these is met before the first write, lest all jobs are lost.
local refusal = forbidden("RPUSH", queue, "SADD", queues, "SREM", owners, "HDEL", suspect)
if refusal then
  return refusal
end
local jobs = newest_first(inflight)
redis.call("DEL", inflight, lease)
if #jobs > 0 then
  -- The queue may have been cleared meanwhile, and its name with it.
  redis.call("SADD", queues, name)
end
for _, job in ipairs(jobs) do
  redis.call("RPUSH", queue, job[2])
end
redis.call("SREM", owners, id)
redis.call("HDEL", suspect, id)
return #jobs
