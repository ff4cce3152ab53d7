-- lane_take: take one waiting job out of a gate's lane, for good or into a set.
--
-- KEYS[1]  list    mainspring:lane:<gate>  elements of jobs that wait, newest at the head
-- KEYS[2]  zset    schedule or dead        where the job goes, if it goes anywhere
-- KEYS[3]  list    mainspring:bell         on which one forwarder a process waits
-- KEYS[4]  string  mainspring:             the beginning of keys of ours
--
-- ARGV[1]  gate   the gate's name
-- ARGV[2]  entry  the element, as the lane has it
-- ARGV[3]  what   what this is for that which hangs on the job: dropped, dead or later; dropped is for good
-- ARGV[4]  score  unix seconds: when it is due, or when it died
--
-- Returns  1  taken
--          0  it was not there
-- include: lib/forbidden.lua
-- include: lib/ring.lua
-- include: lib/ties.lua

local lane, set, bell, root = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local name, entry, what, score = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

-- Fails here if the key is no sorted set: an error after the first write would lose the job.
redis.call("ZCARD", set)
-- An ACL that forbids one of these is met before the first write, lest the job is lost.
local refusal = forbidden("LREM", lane, "ZADD", set, "LPUSH", bell, "LTRIM", bell, "EXPIRE", bell) or ties_forbidden(root)
if refusal then
  return refusal
end
local job, view = gates_read(entry), gates_view(root)
-- From the tail: what is read comes from there. It frees memory, so a full server lets the rest of the script run.
if not job or redis.call("LREM", lane, -1, entry) == 0 then
  return 0
end
local gate = gates_find(view, name)
gates_left(view, gate, job.queue, 1)
if gate.waiting == 0 then
  gates_empty(view, gate)
end
if what ~= "dropped" then
  ring(set, bell, score)
  redis.call("ZADD", set, score, job.payload)
end
local ties = ties_of(job.payload)
if ties then
  let_go(gates_slot(view, job.queue), root, ties, what, score * 1000, ties_now_ms())
end
return 1
