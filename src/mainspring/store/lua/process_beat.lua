-- process_beat: renew a process's lease on a queue.
--
-- KEYS[1]  hash    {queue:<name>}:suspect     identities seen without a lease
-- KEYS[2]  string  {queue:<name>}:tomb:<id>   stands if the process was declared dead
-- KEYS[3]  string  {queue:<name>}:l:<id>      the lease
-- KEYS[4]  set     {queue:<name>}:owners      identities that may hold jobs
--
-- ARGV[1]  id      the process's identity
-- ARGV[2]  ttl_ms  how long the lease lasts from now
--
-- Returns  1   renewed
--          2   it had run out, and nobody had noticed
--          -1  the process was declared dead
-- include: lib/forbidden.lua

local suspect, tomb, lease, owners = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, ttl_ms = ARGV[1], ARGV[2]

if redis.call("EXISTS", tomb) == 1 then
  return -1
end
-- An ACL that forbids one of these is met before the first write, lest a suspicion is lost and no lease renewed.
local refusal = forbidden("SADD", owners, "PEXPIRE", lease, "SET", lease)
if refusal then
  return refusal
end
-- Frees memory, so a full server lets the rest of the script run.
redis.call("HDEL", suspect, id)
redis.call("SADD", owners, id)
if redis.call("PEXPIRE", lease, ttl_ms) == 1 then
  return 1
end
redis.call("SET", lease, 1, "PX", ttl_ms)
return 2
