-- queue_sweep: drop a part of the jobs of a queue that was cleared, and settle what hangs on them.
--
-- KEYS[1]  list    {queue:<name>}:cleared  those that are to be dropped
-- KEYS[2]  string  {queue:<name>}:         the beginning of this queue's keys
-- KEYS[3]  string  mainspring:             the beginning of keys of ours
-- KEYS[4]  list    queue:<name>            the queue
-- KEYS[5]  set     queues                  every queue name ever used
--
-- ARGV[1]  most   how many to drop at most
-- ARGV[2]  bytes  after so many bytes of jobs it stops as well
-- ARGV[3]  name   the queue's name
--
-- Returns  n  how many were dropped
--          0  there are none
-- include: lib/forbidden.lua
-- include: lib/ties.lua

local cleared, slot, root, queue, queues = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local most, bytes, name = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]

if redis.call("EXISTS", cleared) == 0 then
  return 0
end
-- An ACL that forbids one of these is met before the first write, lest a job is dropped and holds its lock.
local refusal = forbidden("RPOP", cleared, "SREM", queues) or ties_forbidden(root)
if refusal then
  return refusal
end
local n, freed, now_ms = 0, {}, ties_now_ms()
local payload = redis.call("RPOP", cleared)
while payload do
  n, bytes = n + 1, bytes - #payload
  local ties = ties_of(payload)
  if ties then
    let_go(slot, root, ties, "dropped", now_ms, now_ms, freed)
  end
  payload = n < most and bytes > 0 and redis.call("RPOP", cleared)
end
gates_reopen(root, freed)
if redis.call("EXISTS", cleared, queue) == 0 then
  redis.call("SREM", queues, name)
end
return n
