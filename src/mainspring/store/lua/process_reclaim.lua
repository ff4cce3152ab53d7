-- process_reclaim: declare a process dead, fence it, and give its jobs back.
--
-- KEYS[1]   string  {queue:<name>}:l:<id>      the lease
-- KEYS[2]   hash    {queue:<name>}:suspect     identity -> ms, by the server's clock
-- KEYS[3]   hash    {queue:<name>}:p:<id>      seq -> payload
-- KEYS[4]   list    queue:<name>               payloads, newest at the head
-- KEYS[5]   string  {queue:<name>}:tomb:<id>   the fence
-- KEYS[6]   set     {queue:<name>}:owners      identities that may hold jobs
-- KEYS[7]   zset    dead                       jobs that shall not run again
-- KEYS[8]   set     queues                     every queue name ever used
-- KEYS[9]   string  {queue:<name>}:            the beginning of this queue's keys
-- KEYS[10]  string  mainspring:                the beginning of keys of ours
--
-- ARGV[1]     id        the identity
-- ARGV[2]     grace_ms  how long it must have been suspected
-- ARGV[3]     force     1: its death is certain, do not look at lease or grace
-- ARGV[4]     now       unix seconds, the time of death of what is buried
-- ARGV[5]     name      the queue's name
-- ARGV[6...]  seq       then fate (queue or dead) and the payload to store: jobs to be changed on
--                       their way; what is not named goes back as it is
--
-- Returns  n   how many jobs were given back or buried
--          -1  it is alive
--          -2  it was not suspected
--          -3  too early
-- include: lib/forbidden.lua
-- include: lib/inflight.lua
-- include: lib/ties.lua

local lease, suspect, inflight, queue = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local tomb, owners, dead, queues, slot, root = KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local id, grace_ms, force, now, name = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]

if force ~= "1" then
  if redis.call("EXISTS", lease) == 1 then
    return -1
  end
  local since = redis.call("HGET", suspect, id)
  if not since then
    return -2
  end
  local time = redis.call("TIME")
  if time[1] * 1000 + math.floor(time[2] / 1000) - tonumber(since) < grace_ms then
    return -3
  end
end

-- Fail here if the keys have other types: an error after the first write would leave it half done.
redis.call("LLEN", queue)
redis.call("ZCARD", dead)
-- An ACL that forbids one of these is met before the first write, lest jobs are lost or doubled.
local refusal = forbidden(
  "SET", tomb, "ZADD", dead, "RPUSH", queue, "SADD", queues, "DEL", inflight, "DEL", lease,
  "SREM", owners
) or #ARGV > 5 and ties_forbidden(root)
if refusal then
  return refusal
end
local changed = {}
for i = 6, #ARGV, 3 do
  changed[ARGV[i]] = { ARGV[i + 1], ARGV[i + 2] }
end
local jobs = newest_first(inflight)

redis.call("HDEL", suspect, id)
redis.call("SET", tomb, 1, "EX", 86400)
for _, job in ipairs(jobs) do
  local change = changed[job[3]]
  if change and change[1] == "dead" then
    redis.call("ZADD", dead, now, change[2])
    local ties = ties_of(job[2])
    if ties then
      let_go(slot, root, ties, "dead", now * 1000, now * 1000)
    end
  else
    redis.call("RPUSH", queue, change and change[2] or job[2])
    -- The queue may have been cleared meanwhile, and its name with it.
    redis.call("SADD", queues, name)
  end
end
redis.call("DEL", inflight, lease)
redis.call("SREM", owners, id)
return #jobs
