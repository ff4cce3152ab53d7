-- jobs_enter: put jobs of one queue, on each of which something hangs, into the queue, a lane or the scheduled set.
--
-- If it is sent again, because its answer was lost, it stores nothing, and answers the same. The batches of an outbox
-- are numbered: it stores nothing either of one that is not later than all that came before.
--
-- KEYS[1]  list    queue:<name>                   payloads, newest at the head
-- KEYS[2]  set     queues                         every queue name ever used
-- KEYS[3]  string  {queue:<name>}:pushed:<token>  stands if this push was made; an outbox's holds its newest number
-- KEYS[4]  zset    schedule                       jobs for later
-- KEYS[5]  list    mainspring:bell                on which one forwarder a process waits
-- KEYS[6]  string  {queue:<name>}:                the beginning of this queue's keys
-- KEYS[7]  string  mainspring:                    the beginning of keys of ours
--
-- ARGV[1]     name    the queue's name
-- ARGV[2]     ttl_ms  how long the push is remembered; 0: it cannot be sent again
-- ARGV[3]     number  of the outbox's batch; empty if it is none
-- ARGV[4...]  job     nine arguments each: jid; when it is due in unix seconds, empty for now; lock, or empty;
--                     how long the lock holds at most, in ms from now; batch, or empty; number in the batch;
--                     gates, parted by commas; manner: empty, or "held" for one that holds its gates already; the
--                     payload. At most 500 jobs
--
-- Returns  {jid, ...}  for each the jid of the job that holds its lock, and then it was not stored; else empty
-- include: lib/forbidden.lua
-- include: lib/ring.lua
-- include: lib/ties.lua

local queue, queues, pushed, schedule, bell, slot, root = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local name, ttl_ms, number = ARGV[1], tonumber(ARGV[2]), ARGV[3]

-- Fail here if the keys have other types: an error after the first write would leave it half done.
redis.call("LLEN", queue)
redis.call("ZCARD", schedule)
-- An ACL that forbids one of these is met before the first write, lest jobs are stored of which the caller is told no.
local refusal = forbidden("LPUSH", queue, "SADD", queues, "SET", pushed, "ZADD", schedule, "LPUSH", bell)
  or ties_forbidden(root)
if refusal then
  return refusal
end
local before = redis.call("GET", pushed)
local is_again = ttl_ms > 0 and before
if number ~= "" then
  is_again = tonumber(number) <= tonumber(before or 0)
elseif is_again then
  -- Not looked up once more: a job that was stored may have ended since, and another hold its lock.
  return cmsgpack.unpack(before)
end
-- A job whose own lock it is was stored before: the lock was taken with it and lives no longer, so that this holds
-- even when the answer is forgotten.
local out, is_new, locks, view = {}, {}, {}, gates_view(root)
for i = 4, #ARGV, 9 do
  local jid, lock = ARGV[i], ARGV[i + 2]
  local holder = lock ~= "" and (locks[lock] or lock_holder(root, lock))
  out[#out + 1] = holder and holder ~= jid and holder or ""
  is_new[#out] = not holder
  locks[lock] = holder or jid
end
for i = 4, is_again and 0 or #ARGV, 9 do
  local jid, at, lock, unique_ms, gates, payload = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 6], ARGV[i + 8]
  if is_new[(i + 5) / 9] then
    if lock ~= "" then
      lock_hold(root, lock, jid, unique_ms)
    end
    if at ~= "" then
      ring(schedule, bell, at)
      redis.call("ZADD", schedule, at, payload)
    elseif gates == "" or ARGV[i + 7] == "held" or gates_enter(slot, root, gates_names(gates), jid, payload, view) then
      redis.call("LPUSH", queue, payload)
    end
  end
end
gates_noted(view)
redis.call("SADD", queues, name)
if number ~= "" and not is_again then
  redis.call("SET", pushed, number)
elseif ttl_ms > 0 then
  redis.call("SET", pushed, cmsgpack.pack(out), "PX", ttl_ms)
end
return out
