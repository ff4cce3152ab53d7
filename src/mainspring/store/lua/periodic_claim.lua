-- periodic_claim: enqueue the job of one tick of an entry, unless the tick was claimed before.
--
-- KEYS[1]  hash  mainspring:periodic:<ns>:entry:<name>    the entry
-- KEYS[2]  list  mainspring:periodic:<ns>:history:<name>  what became of its ticks, newest at the head
-- KEYS[3]  list  queue:<name>                             payloads, newest at the head
-- KEYS[4]  set   queues                                   every queue name ever used
-- KEYS[5]  zset  schedule                                 jobs for later; score = unix seconds when due
-- KEYS[6]  list  mainspring:bell                          on which one forwarder a process waits
--
-- ARGV[1]  stamp     of the entry as the clock knows it
-- ARGV[2]  tick      unix seconds of the nominal time, with three decimals
-- ARGV[3]  due       unix seconds from which on it may run
-- ARGV[4]  expected  jids of unfinished runs as the clock knows them, blanks between them
-- ARGV[5]  runs      the same as they shall be from now on
-- ARGV[6]  record    JSON for the history, to which the server's time is put; empty for none
-- ARGV[7]  name      the queue's name
-- ARGV[8]  payload   the job, encoded; empty if there shall be none
-- ARGV[9]  at        unix seconds when the job is due; empty for now
--
-- Returns   1  claimed, and enqueued
--           0  this tick, or a later one, had been claimed, or it came before the ticks that count
--          -1  it is not due yet by the server's clock
--          -2  there is no such entry, or it is another than the clock knows
--          -3  the entry is paused
-- include: lib/forbidden.lua
-- include: lib/enqueue.lua
-- include: lib/note.lua

local entry, history, queue, queues, schedule, bell = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local stamp, tick, due, expected, runs = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local record, name, payload, at = ARGV[6], ARGV[7], ARGV[8], ARGV[9]

local known = redis.call("HMGET", entry, "stamp", "last", "since", "paused", "runs")
if known[1] ~= stamp then
  return -2
end
if tonumber(tick) <= math.max(tonumber(known[2]) or 0, tonumber(known[3]) or 0) then
  return 0
end
if known[4] then
  return -3
end
local time = redis.call("TIME")
if tonumber(due) > time[1] + time[2] / 1000000 then
  return -1
end
if (known[5] or "") ~= expected then
  return -2
end

-- Fails here if the key is no list: an error after the push would have it pushed again and again.
redis.call("LLEN", history)
-- An ACL that forbids one of these is met before the first write, for the same reason.
local refusal = forbidden(
  "SADD", queues, "LPUSH", queue, "HSET", entry, "HDEL", entry, "LPUSH", history, "LTRIM", history,
  "LPUSH", bell, "LTRIM", bell, "EXPIRE", bell, "ZRANGE", schedule, "ZADD", schedule
)
if refusal then
  return refusal
end
-- The claim comes last: a push that fails, because the queue's key is no list, leaves the tick open.
enqueue(queue, queues, schedule, bell, name, payload, at)
note(history, time, record)
if runs ~= "" then
  redis.call("HSET", entry, "runs", runs)
elseif expected ~= "" then
  redis.call("HDEL", entry, "runs")
end
redis.call("HSET", entry, "last", tick)
return 1
