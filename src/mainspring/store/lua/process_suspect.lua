-- process_suspect: note when a process was first seen without a lease.
--
-- This is a write on purpose: a server that is full or read-only, on which no heartbeat
-- could succeed either, must not let anybody be declared dead.
--
-- KEYS[1]  string  {queue:<name>}:l:<id>    the lease
-- KEYS[2]  hash    {queue:<name>}:suspect   identity -> ms, by the server's clock
-- KEYS[3]  set     {queue:<name>}:owners    identities that may hold jobs
--
-- ARGV[1]  id  the identity to look at
--
-- Returns  0  it is alive, or holds nothing
--          1  it is suspected, now or since earlier

local lease, suspect, owners = KEYS[1], KEYS[2], KEYS[3]
local id = ARGV[1]

if redis.call("EXISTS", lease) == 1 then
  return 0
end
-- Another sweeper may have reclaimed it a moment ago, and nobody would come back for the note.
if redis.call("SISMEMBER", owners, id) == 0 then
  return 0
end
local time = redis.call("TIME")
redis.call("HSETNX", suspect, id, time[1] * 1000 + math.floor(time[2] / 1000))
return 1
