-- queue_remove: drop one waiting job for good, and settle what hangs on it.
--
-- KEYS[1]  list    queue:<name>     payloads
-- KEYS[2]  string  {queue:<name>}:  the beginning of this queue's keys
-- KEYS[3]  string  mainspring:      the beginning of keys of ours
--
-- ARGV[1]  payload  the job as the queue has it
--
-- Returns  1  dropped
--          0  it was not there
-- include: lib/ties.lua

local queue, slot, root = KEYS[1], KEYS[2], KEYS[3]
local payload = ARGV[1]

local ties = ties_of(payload)
-- An ACL that forbids one of these is met before the first write, lest the job is gone and holds its lock.
local refusal = ties and ties_forbidden(root)
if refusal then
  return refusal
end
-- From the tail: what is read comes from there, so it is found at once however long the queue is.
if redis.call("LREM", queue, -1, payload) == 0 then
  return 0
end
if ties then
  let_go(slot, root, ties, "dropped", 0, 0)
end
return 1
