-- queue_move: take one waiting job out of its queue and into a set.
--
-- KEYS[1]  list    queue:<name>      payloads
-- KEYS[2]  zset    schedule or dead  where it goes
-- KEYS[3]  list    mainspring:bell   on which one forwarder a process waits
-- KEYS[4]  string  {queue:<name>}:   the beginning of this queue's keys
-- KEYS[5]  string  mainspring:       the beginning of keys of ours
--
-- ARGV[1]  payload  the job as the queue has it
-- ARGV[2]  score    unix seconds
-- ARGV[3]  what     what this is for that which hangs on the job: dead or later
--
-- Returns  1  moved
--          0  it was not there
-- include: lib/forbidden.lua
-- include: lib/ring.lua
-- include: lib/ties.lua

local queue, set, bell, slot, root = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local payload, score, what = ARGV[1], ARGV[2], ARGV[3]

-- Fails here if the key is no sorted set: an error after the first write would lose the job.
redis.call("ZCARD", set)
-- An ACL that forbids one of these is met before the first write, lest the job is lost.
local refusal = forbidden("LPUSH", bell, "LTRIM", bell, "EXPIRE", bell, "ZRANGE", set, "ZADD", set)
local ties = ties_of(payload)
refusal = refusal or ties and ties_forbidden(root)
if refusal then
  return refusal
end
-- From the tail: what is read comes from there, so it is found at once however long the queue is.
if redis.call("LREM", queue, -1, payload) == 0 then
  return 0
end
ring(set, bell, score)
redis.call("ZADD", set, score, payload)
if ties then
  let_go(slot, root, ties, what, score * 1000, ties_now_ms())
end
return 1
