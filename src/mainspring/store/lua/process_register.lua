-- process_register: let a process own jobs of a queue, if its user may do with them all that a worker does.
--
-- KEYS[1]   hash    {queue:<name>}:suspect    identities seen without a lease
-- KEYS[2]   set     {queue:<name>}:owners     identities that may hold jobs
-- KEYS[3]   string  {queue:<name>}:l:<id>     the lease
-- KEYS[4]   string  {queue:<name>}:tomb:<id>  stands if the process was declared dead
-- KEYS[5]   hash    {queue:<name>}:p:<id>     seq -> payload
-- KEYS[6]   string  {queue:<name>}:fence      deliveries so far
-- KEYS[7]   list    queue:<name>              payloads, newest at the head
-- KEYS[8]   set     queues                    every queue name ever used
-- KEYS[9]   set     paused                    names of paused queues
-- KEYS[10]  zset    schedule                  jobs for later
-- KEYS[11]  zset    retry                     failed jobs
-- KEYS[12]  zset    dead                      jobs that shall not run again
-- KEYS[13]  list    mainspring:bell           on which one forwarder a process waits
-- KEYS[14]  string  stat:processed            runs so far
-- KEYS[15]  string  stat:failed               failed runs so far
-- KEYS[16]  string  mainspring:               the beginning of keys of ours
--
-- ARGV[1]  id      the process's identity
-- ARGV[2]  ttl_ms  how long the lease lasts
--
-- Returns  1  registered
-- include: lib/forbidden.lua
-- include: lib/ties.lua

local suspect, owners, lease, tomb, inflight = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local fence, queue, queues, paused, schedule = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local retry, dead, bell, processed, failed, root = KEYS[11], KEYS[12], KEYS[13], KEYS[14], KEYS[15], KEYS[16]
local id, ttl_ms = ARGV[1], ARGV[2]

-- Whoever lacks one of these learns it here, before it holds a single job.
local refusal = forbidden(
  "HDEL", suspect, "HGET", suspect, "HSETNX", suspect, "SADD", owners, "SREM", owners, "SISMEMBER", owners,
  "SMEMBERS", owners, "SET", lease, "PEXPIRE", lease, "DEL", lease, "EXISTS", lease, "SET", tomb, "EXISTS", tomb,
  "HSET", inflight, "HGET", inflight, "HGETALL", inflight, "HEXISTS", inflight, "HDEL", inflight, "DEL", inflight,
  "INCRBY", fence, "RPOP", queue, "RPUSH", queue, "LPUSH", queue, "LLEN", queue, "SADD", queues, "SISMEMBER", paused,
  "ZADD", schedule, "ZREM", schedule, "ZCARD", schedule, "ZRANGE", schedule, "ZRANGEBYSCORE", schedule,
  "ZADD", retry, "ZREM", retry, "ZCARD", retry, "ZRANGE", retry, "ZRANGEBYSCORE", retry,
  "ZADD", dead, "ZCARD", dead, "ZREMRANGEBYSCORE", dead, "ZREMRANGEBYRANK", dead,
  "LPUSH", bell, "LTRIM", bell, "EXPIRE", bell, "BLPOP", bell,
  "INCRBY", processed, "EXPIRE", processed, "INCRBY", failed, "EXPIRE", failed, "INCR", root,
  "RENAME", queue, "ZPOPMIN", root, "MGET", root
) or ties_forbidden(root)
if refusal then
  return refusal
end
redis.call("HDEL", suspect, id)
redis.call("SADD", owners, id)
redis.call("SET", lease, 1, "PX", ttl_ms)
return 1
