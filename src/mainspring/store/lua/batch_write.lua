-- batch_write: make batches, add jobs to them and seal them, all of it or nothing.
--
-- If it is sent again, because its answer was lost, it does nothing.
--
-- KEYS[1]     string  mainspring:batch:<bid>:pushed:<token>  stands if this was done
-- KEYS[2]     set     queues                                 every queue name ever used
-- KEYS[3]     zset    schedule                               jobs for later
-- KEYS[4]     list    mainspring:bell                        on which one forwarder a process waits
-- KEYS[5]     string  mainspring:                            the beginning of keys of ours
-- KEYS[6...]  list    queue:<name>                           the queues that are named by number below, from 0 on;
--                                                            after each the beginning of its own keys
--
-- ARGV[1]     ttl_ms    how long this is remembered
-- ARGV[2]     queues    how many queues are named by number
-- ARGV[3...]  sentence  their names; then sentences, each with as many words as its verb asks for:
--                       open bid parent number numbers life_ms linger_ms count, and so many pairs of field and value;
--                       jobs bid queue count, and so many payloads, on which nothing else hangs;
--                       job bid queue number jid at lock lock_ms gates payload, as for jobs_enter;
--                       step bid queue number waits payload: a job of a workflow that waits for so many others;
--                       after bid number numbers: the jobs that wait for one;
--                       seal bid
--
-- Returns  1   done
--          0   it had been done before
--          -1  a batch of it is not there, or is no more
--          -2  one has succeeded
--          -3  one was cancelled
-- include: lib/forbidden.lua
-- include: lib/ring.lua
-- include: lib/ties.lua

local pushed, queues, schedule, bell, root = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local ttl_ms, many = tonumber(ARGV[1]), tonumber(ARGV[2])

if redis.call("EXISTS", pushed) == 1 then
  return 0
end
redis.call("ZCARD", schedule)
local names, lists, slots = {}, {}, {}
for i = 0, many - 1 do
  local place = 6 + 2 * i
  local queue = KEYS[place]
  redis.call("LLEN", queue)
  names[i], lists[i], slots[i] = ARGV[3 + i], queue, KEYS[place + 1]
end

-- Where the next sentence begins.
local function behind(i)
  local verb = ARGV[i]
  if verb == "open" then
    return i + 8 + 2 * tonumber(ARGV[i + 7])
  elseif verb == "jobs" then
    return i + 4 + tonumber(ARGV[i + 3])
  end
  return i + ({ job = 10, step = 6, after = 4, seal = 2 })[verb]
end

local touched, opened = {}, {}
local function refused(bid)
  if bid == "" or touched[bid] or opened[bid] then
    return nil
  end
  touched[bid] = 0
  local batch = root .. "batch:" .. bid
  local found = redis.call("HMGET", batch, "next", "success_at", "cancelled_at")
  return not found[1] and -1 or found[2] and -2 or found[3] and -3 or nil
end

local last = 3 + many
while last <= #ARGV do
  local bid, is_open = ARGV[last + 1], ARGV[last] == "open"
  local no = refused(is_open and ARGV[last + 2] or bid)
  if no then
    return no
  end
  opened[bid] = opened[bid] or is_open
  last = behind(last)
end
local refusal = forbidden("SET", pushed, "SADD", queues, "ZADD", schedule, "LPUSH", bell)
  or ties_forbidden(root)
  or batch_forbidden(root)
if refusal then
  return refusal
end

local now_ms = batch_now_ms()
local ends, sealed, write = {}, {}, {}

function write.open(i, bid)
  local batch, parent, number, numbers = root .. "batch:" .. bid, ARGV[i + 2], ARGV[i + 3], tonumber(ARGV[i + 4])
  redis.call(
    "HSET", batch, "created_at", now_ms, "next", numbers, "total", 0, "ok", 0, "failed", 0, "dead", 0, "dropped", 0,
    "life_ms", ARGV[i + 5], "linger_ms", ARGV[i + 6]
  )
  for k = i + 8, i + 7 + 2 * tonumber(ARGV[i + 7]), 2 do
    redis.call("HSET", batch, ARGV[k], ARGV[k + 1])
  end
  if numbers > 0 then
    local jobs = batch .. ":jobs"
    -- What is counted later finds its bits there: no step of a job makes this key.
    redis.call("BITFIELD", jobs, "SET", "u2", string.format("#%d", numbers - 1), 0)
  end
  if parent ~= "" then
    local above = root .. "batch:" .. parent
    local children = above .. ":children"
    redis.call("HSET", batch, "parent", parent, "number", number)
    redis.call("HINCRBY", above, "total", 1)
    redis.call("HSET", children, number, bid)
  end
end

function write.jobs(i, bid)
  local batch, q, count = root .. "batch:" .. bid, tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
  local queue = lists[q]
  redis.call("HINCRBY", batch, "total", count)
  redis.call("LPUSH", queue, unpack(ARGV, i + 4, i + 3 + count))
  redis.call("SADD", queues, names[q])
end

function write.job(i, bid)
  local batch, q, number, jid, at = root .. "batch:" .. bid, tonumber(ARGV[i + 2]), ARGV[i + 3], ARGV[i + 4], ARGV[i + 5]
  local lock, lock_ms, gates, payload = ARGV[i + 6], tonumber(ARGV[i + 7]), ARGV[i + 8], ARGV[i + 9]
  redis.call("HINCRBY", batch, "total", 1)
  if lock ~= "" then
    local holder = lock_holder(root, lock)
    if holder and holder ~= jid then
      -- Another job stands in its place: nothing more is to be done here.
      batch_step(root, bid, tonumber(number), jid, "dropped")
      return
    end
    lock_hold(root, lock, jid, lock_ms)
  end
  if at ~= "" then
    ring(schedule, bell, at)
    redis.call("ZADD", schedule, at, payload)
    ends[bid] = math.max(ends[bid] or 0, tonumber(at) * 1000 - now_ms)
  elseif gates == "" or gates_enter(slots[q], root, gates_names(gates), jid, payload) then
    local queue = lists[q]
    redis.call("LPUSH", queue, payload)
  end
  redis.call("SADD", queues, names[q])
end

function write.step(i, bid)
  local batch, q, number, waits, payload = root .. "batch:" .. bid, tonumber(ARGV[i + 2]), ARGV[i + 3], ARGV[i + 4], ARGV[i + 5]
  local steps = batch .. ":steps"
  redis.call("HINCRBY", batch, "total", 1)
  redis.call("HSET", batch, "has_steps", 1)
  redis.call("HSET", steps, "waits:" .. number, waits, "queue:" .. number, names[q], "job:" .. number, payload)
end

function write.after(i, bid)
  local steps = root .. "batch:" .. bid .. ":steps"
  redis.call("HSET", steps, "after:" .. ARGV[i + 2], ARGV[i + 3])
end

function write.seal(i, bid)
  local batch = root .. "batch:" .. bid
  redis.call("HSET", batch, "sealed", 1)
  sealed[#sealed + 1] = bid
end

local i = 3 + many
while i <= #ARGV do
  write[ARGV[i]](i, ARGV[i + 1])
  i = behind(i)
end
redis.call("SET", pushed, 1, "PX", ttl_ms)
for bid in pairs(opened) do
  touched[bid] = 0
end
for bid in pairs(touched) do
  local batch = root .. "batch:" .. bid
  local life_ms = tonumber(redis.call("HGET", batch, "life_ms")) + math.ceil(ends[bid] or 0)
  -- Each of its keys: some may have been made just now.
  batch_keep(root, bid, math.max(life_ms, redis.call("PTTL", batch)), now_ms)
  batch_keep_all(root, redis.call("HGET", batch, "parent") or "", life_ms, now_ms)
end
for _, bid in ipairs(sealed) do
  local above, number, what = batch_judge(root, bid, now_ms)
  batch_carry(root, above, number, "", what, now_ms)
end
return 1
