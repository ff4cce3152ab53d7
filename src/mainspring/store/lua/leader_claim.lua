-- leader_claim: take the lead among all workers, keep it, or give it back.
--
-- KEYS[1]  string  mainspring:leader  the identity of the leader
--
-- ARGV[1]  id      who asks
-- ARGV[2]  ttl_ms  how long it is the leader from now; 0 gives it back
--
-- Returns  1  it is the leader from now
--          2  it is the leader still
--          0  another is; or nobody, since it was given back

local leader = KEYS[1]
local id, ttl_ms = ARGV[1], tonumber(ARGV[2])

local now = redis.call("GET", leader)
if now and now ~= id then
  return 0
end
if ttl_ms == 0 then
  redis.call("DEL", leader)
  return 0
end
if now then
  redis.call("PEXPIRE", leader, ttl_ms)
  return 2
end
redis.call("SET", leader, id, "PX", ttl_ms)
return 1
