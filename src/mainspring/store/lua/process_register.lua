-- process_register: let a process own jobs of a queue.
--
-- KEYS[1]  hash    {queue:<name>}:suspect   identities seen without a lease
-- KEYS[2]  set     {queue:<name>}:owners    identities that may hold jobs
-- KEYS[3]  string  {queue:<name>}:l:<id>    the lease
--
-- ARGV[1]  id      the process's identity
-- ARGV[2]  ttl_ms  how long the lease lasts
--
-- Returns  1  registered

local suspect, owners, lease = KEYS[1], KEYS[2], KEYS[3]
local id, ttl_ms = ARGV[1], ARGV[2]

redis.call("HDEL", suspect, id)
redis.call("SADD", owners, id)
redis.call("SET", lease, 1, "PX", ttl_ms)
return 1
