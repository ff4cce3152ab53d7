-- periodic_push: enqueue a run of an entry beside its schedule, of which nothing changes.
--
-- If it is sent again, because its answer was lost, it does nothing.
--
-- KEYS[1]  hash    mainspring:periodic:<ns>:entry:<name>    the entry
-- KEYS[2]  list    mainspring:periodic:<ns>:history:<name>  what became of its ticks, newest at the head
-- KEYS[3]  list    queue:<name>                             payloads, newest at the head
-- KEYS[4]  set     queues                                   every queue name ever used
-- KEYS[5]  zset    schedule                                 jobs for later; score = unix seconds when due
-- KEYS[6]  list    mainspring:bell                          on which one forwarder a process waits
-- KEYS[7]  string  {queue:<name>}:pushed:<token>            stands if this push was made
--
-- ARGV[1]  run      the jid, if the entry must know of unfinished runs; else empty
-- ARGV[2]  record   JSON for the history, to which the server's time is put; empty for none
-- ARGV[3]  name     the queue's name
-- ARGV[4]  payload  the job, encoded
-- ARGV[5]  at       unix seconds when the job is due; empty for now
-- ARGV[6]  ttl_ms   how long the push is remembered; 0: it cannot be sent again
--
-- Returns  1  enqueued, by this call or when it was sent before
--          0  there is no such entry
-- include: lib/forbidden.lua
-- include: lib/enqueue.lua
-- include: lib/note.lua

local entry, history, queue, queues, schedule, bell = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local pushed, run, record, name, payload = KEYS[7], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local at, ttl_ms = ARGV[5], tonumber(ARGV[6])

if ttl_ms > 0 and redis.call("EXISTS", pushed) == 1 then
  return 1
end
local known = redis.call("HMGET", entry, "stamp", "runs")
if not known[1] then
  return 0
end

-- Fails here if the key is no list: an error after the push would have it pushed again.
redis.call("LLEN", history)
-- An ACL that forbids one of these is met before the first write, lest jobs are stored of which the caller is told no.
local refusal = forbidden(
  "SADD", queues, "LPUSH", queue, "HSET", entry, "LPUSH", history, "LTRIM", history, "SET", pushed,
  "LPUSH", bell, "LTRIM", bell, "EXPIRE", bell, "ZRANGE", schedule, "ZADD", schedule
)
if refusal then
  return refusal
end
enqueue(queue, queues, schedule, bell, name, payload, at)
note(history, redis.call("TIME"), record)
if run ~= "" then
  redis.call("HSET", entry, "runs", known[2] and known[2] .. " " .. run or run)
end
if ttl_ms > 0 then
  redis.call("SET", pushed, 1, "PX", ttl_ms)
end
return 1
