-- limit: five kinds of limits, each with a check that only reads and a commit that only writes.
--
-- A limit is read from its spec, "kind:n:us:name"; store/limiters.py says what n and us are for each kind. A script
-- checks all its limits with one now_us (the server's TIME) and commits them only if each check gave 0. A kind's
-- commit takes for granted that its check, in the same script, gave 0. Each write sets a lifetime, after which the
-- limit has nothing to remember.
-- include: lib/forbidden.lua

-- The limit of a spec; nil for what is none. The key is that of the limit's state, as keys.limit makes it.
local function limit_read(key, spec)
  local kind, n, us, name = string.match(spec, "^(%l+):(%d+):(%d+):(.+)$")
  n, us = tonumber(n), tonumber(us)
  if n and n > 0 and us > 0 then
    return { key = key, spec = spec, kind = kind, n = n, us = us, name = name }
  end
end

-- The key of the state of a spec's limit, or of something else that is kept of it, made from "<prefix>mainspring:".
local function limit_key(root, spec, what)
  local kind, name = string.match(spec, "^(%l+):%d+:%d+:(.+)$")
  return kind and root .. "limit:" .. (what or "") .. kind .. ":" .. name
end

-- All digits of a whole number, of which tostring would show fourteen.
local function limit_text(number)
  return string.format("%.0f", number)
end

local function limit_ms(us)
  return limit_text(math.max(1, math.ceil(us / 1000)))
end

-- concurrent: a sorted set of members, each with the instant until which it holds a slot --------------------------

local function limit_held(limit, now_us)
  return redis.call("ZCOUNT", limit.key, "(" .. limit_text(now_us), "+inf")
end

local function limit_concurrent_check(limit, now_us, cost, member)
  if (tonumber(redis.call("ZSCORE", limit.key, member)) or 0) > now_us then
    return 0
  end
  local over = limit_held(limit, now_us) + cost - limit.n
  if over <= 0 then
    return 0
  end
  -- When, at the latest, so many slots are free as are wanting.
  local from = "(" .. limit_text(now_us)
  local ends = redis.call("ZRANGEBYSCORE", limit.key, from, "+inf", "WITHSCORES", "LIMIT", over - 1, 1)
  return (tonumber(ends[2]) or now_us + limit.us) - now_us
end

-- The name under which a member holds its slot number i.
local function limit_slot(member, i)
  return i == 1 and member or member .. "/" .. i
end

local function limit_concurrent_commit(limit, now_us, cost, member)
  redis.call("ZREMRANGEBYSCORE", limit.key, "-inf", limit_text(now_us))
  for i = 1, cost do
    redis.call("ZADD", limit.key, limit_text(now_us + limit.us), limit_slot(member, i))
  end
  -- Others may hold theirs for longer: the limit's code can have changed.
  redis.call("PEXPIRE", limit.key, math.max(redis.call("PTTL", limit.key), limit_ms(limit.us)))
end

-- bucket: "number of the interval since 1970, what was taken in it" -------------------------------------------------

local function limit_bucket_read(limit, now_us)
  local index = math.floor(now_us / limit.us)
  local stored, taken = string.match(redis.call("GET", limit.key) or "", "^(%d+) (%d+)$")
  stored = tonumber(stored)
  -- It can be the next one's where the server's clock was set back.
  if stored == index or stored == index + 1 then
    return stored, tonumber(taken)
  end
  return index, 0
end

local function limit_bucket_check(limit, now_us, cost)
  local index, taken = limit_bucket_read(limit, now_us)
  return taken + cost <= limit.n and 0 or (index + 1) * limit.us - now_us
end

local function limit_bucket_commit(limit, now_us, cost)
  local index, taken = limit_bucket_read(limit, now_us)
  local value = limit_text(index) .. " " .. limit_text(taken + cost)
  redis.call("SET", limit.key, value, "PX", limit_ms((index + 1) * limit.us - now_us))
end

-- window: a sorted set of "all taken so far, and now": score = when ---------------------------------------------------
--
-- What was taken between two members is a difference of their sums, so that nothing has to be counted.

local function limit_sums(member)
  local after, cost = string.match(member, "^(%d+):(%d+)$")
  after = tonumber(after) or 0
  return after, after - (tonumber(cost) or 0)
end

-- The instant that counts as now, the sums at the end and at the beginning of the window, and its first member.
local function limit_window_read(limit, now_us)
  local last = redis.call("ZRANGE", limit.key, -1, -1, "WITHSCORES")
  local newest = tonumber(last[2])
  -- The server's clock may have been set back: by less than a window, and time stands still for as long here;
  -- by more, and what was taken is forgotten.
  if not newest or newest - now_us > limit.us then
    return now_us, 0, 0
  end
  local at = math.max(newest, now_us)
  local from = "(" .. limit_text(at - limit.us)
  local first = redis.call("ZRANGEBYSCORE", limit.key, from, "+inf", "LIMIT", 0, 1)[1]
  if not first then
    return at, 0, 0
  end
  local before = select(2, limit_sums(first))
  return at, limit_sums(last[1]), before, first
end

-- The first member, from the one given on, that brings the sum to what is asked: by halves.
local function limit_window_find(limit, first, sum)
  local low, high = redis.call("ZRANK", limit.key, first), redis.call("ZCARD", limit.key) - 1
  while low < high and limit_sums(redis.call("ZRANGE", limit.key, low, low)[1]) < sum do
    local middle = math.floor((low + high) / 2)
    if limit_sums(redis.call("ZRANGE", limit.key, middle, middle)[1]) >= sum then
      high = middle
    else
      low = middle + 1
    end
  end
  return tonumber(redis.call("ZRANGE", limit.key, low, low, "WITHSCORES")[2])
end

local function limit_window_check(limit, now_us, cost)
  local _, after, before, first = limit_window_read(limit, now_us)
  local over = after - before + cost - limit.n
  if over <= 0 or not first then
    return 0
  end
  return limit_window_find(limit, first, before + over) + limit.us - now_us
end

local function limit_window_commit(limit, now_us, cost)
  local at, after, _, first = limit_window_read(limit, now_us)
  if first then
    redis.call("ZREMRANGEBYSCORE", limit.key, "-inf", limit_text(at - limit.us))
  else
    redis.call("DEL", limit.key)
  end
  redis.call("ZADD", limit.key, limit_text(at), string.format("%016.0f:%.0f", after + cost, cost))
  redis.call("PEXPIRE", limit.key, limit_ms(at - now_us + limit.us))
end

-- leaky and points: "millionths in the bucket, when that was"; a full bucket drains in us ------------------------------

local function limit_level_read(limit, now_us)
  local level, at = string.match(redis.call("GET", limit.key) or "", "^(%d+) (%d+)$")
  level, at = tonumber(level), tonumber(at)
  if not level or at - now_us > limit.us then
    return 0, now_us
  end
  -- Where the server's clock was set back by less, nothing drains until it has come round again.
  local drained = math.floor(math.max(0, now_us - at) / limit.us * limit.n * 1000000)
  return math.max(0, level - drained), math.max(at, now_us)
end

-- In which time so many millionths drain; one more, since a quotient may be a hair too small.
local function limit_level_us(limit, level)
  return math.ceil(level / (limit.n * 1000000) * limit.us) + 1
end

local function limit_level_write(limit, now_us, level, at)
  local value = limit_text(level) .. " " .. limit_text(at)
  redis.call("SET", limit.key, value, "PX", limit_ms(at - now_us + limit_level_us(limit, level) + 1000))
end

local function limit_millionths(cost)
  return math.floor(cost * 1000000 + 0.5)
end

local function limit_level_check(limit, now_us, cost)
  local level, at = limit_level_read(limit, now_us)
  local over = level + limit_millionths(cost) - limit.n * 1000000
  return over <= 0 and 0 or at - now_us + limit_level_us(limit, over)
end

local function limit_level_commit(limit, now_us, cost)
  local level, at = limit_level_read(limit, now_us)
  limit_level_write(limit, now_us, math.max(0, level + limit_millionths(cost)), at)
end

-- all kinds -----------------------------------------------------------------------------------------------------------

-- The refusal if this user's ACL forbids what a commit writes; to be asked before the first write.
local function limit_forbidden(limit)
  local key = limit.key
  if limit.kind == "concurrent" or limit.kind == "window" then
    return forbidden("ZADD", key, "ZREMRANGEBYSCORE", key, "PEXPIRE", key, "PTTL", key, "DEL", key)
  end
  return forbidden("SET", key)
end

-- 0 if the cost can be taken now; else in how many microseconds it can, if nobody else takes of the limit.
local function limit_check(limit, now_us, cost, member)
  local wait
  if limit.kind == "concurrent" then
    wait = limit_concurrent_check(limit, now_us, cost, member)
  elseif limit.kind == "bucket" then
    wait = limit_bucket_check(limit, now_us, cost)
  elseif limit.kind == "window" then
    wait = limit_window_check(limit, now_us, cost)
  else
    wait = limit_level_check(limit, now_us, cost)
  end
  return wait > 0 and math.max(1, math.ceil(wait)) or 0
end

-- Take the cost. A concurrent limit's slot is held until it is given back, or for its time.
local function limit_commit(limit, now_us, cost, member)
  if limit.kind == "concurrent" then
    limit_concurrent_commit(limit, now_us, cost, member)
  elseif limit.kind == "bucket" then
    limit_bucket_commit(limit, now_us, cost)
  elseif limit.kind == "window" then
    limit_window_commit(limit, now_us, cost)
  else
    limit_level_commit(limit, now_us, cost)
  end
end

-- What is taken of a limit at present, in millionths.
local function limit_used(limit, now_us)
  if limit.kind == "concurrent" then
    return limit_held(limit, now_us) * 1000000
  elseif limit.kind == "bucket" then
    return select(2, limit_bucket_read(limit, now_us)) * 1000000
  elseif limit.kind == "window" then
    local _, after, before = limit_window_read(limit, now_us)
    return (after - before) * 1000000
  end
  return (limit_level_read(limit, now_us))
end

-- Let people see that a limit is in use: for a week, the newest ten thousand; noted at most once an hour. Only of these
-- is anything counted, so that limits of which there are many, such as one a customer, take no more memory than that.
local function limit_show(root, limit, now_us)
  local registry = root .. "limits"
  local now_ms, span_ms = math.floor(now_us / 1000), math.max(604800000, math.ceil(limit.us / 1000))
  local until_ms = tonumber(redis.call("ZSCORE", registry, limit.spec)) or 0
  if until_ms > now_ms + span_ms - 3600000 then
    return
  end
  redis.call("ZREMRANGEBYSCORE", registry, "-inf", limit_text(now_ms))
  redis.call("ZADD", registry, limit_text(now_ms + span_ms), limit.spec)
  local over = redis.call("ZCARD", registry) - 10000
  local gone = over > 0 and redis.call("ZPOPMIN", registry, math.min(over, 100)) or {}
  for i = 1, #gone, 2 do
    local tally = limit_key(root, gone[i], "tally:")
    if tally then
      redis.call("DEL", tally)
    end
  end
  redis.call("PEXPIRE", registry, math.max(redis.call("PTTL", registry), span_ms))
end

-- Set the counts of the minutes that nobody has counted yet, this one's included, and say which is the newest.
local function limit_count_anew(tally, newest, minute, taken, refused)
  local words = { "SET", "u32", "#120", minute }
  for number = math.max(newest, minute - 60) + 1, minute do
    local here = number == minute
    for offset, count in pairs({ [0] = here and taken or 0, [60] = here and refused or 0 }) do
      local place = string.format("#%d", offset + number % 60)
      words[#words + 1], words[#words + 2], words[#words + 3], words[#words + 4] = "SET", "u32", place, count
    end
  end
  redis.pcall("BITFIELD", tally, unpack(words))
  redis.pcall("PEXPIRE", tally, 3660000)
end

-- Count who was given of a limit, and who was refused, for people: in the 60 minutes up to now, each at its number modulo
-- 60, takes before refusals; and behind them stands the number of the newest. Nearly always it is one call. Where somebody
-- made the key one of another type, nothing is counted: no job is lost for that.
local function limit_count(root, limit, now_us, taken, refused)
  limit_show(root, limit, now_us)
  local tally, minute = limit_key(root, limit.spec, "tally:"), math.floor(now_us / 60000000)
  local place = minute % 60
  local found = redis.pcall(
    "BITFIELD", tally, "GET", "u32", "#120", "OVERFLOW", "SAT",
    "INCRBY", "u32", string.format("#%d", place), taken, "INCRBY", "u32", string.format("#%d", 60 + place), refused
  )
  if not found.err and found[1] < minute then
    limit_count_anew(tally, found[1], minute, taken, refused)
  end
end

-- The bytes of what was counted; none where nothing was.
local function limit_counts(tally)
  local counts = redis.pcall("GET", tally)
  return type(counts) == "string" and counts or ""
end

-- The refusal if this user's ACL forbids what counting writes, or reads after the first write.
local function limit_count_forbidden(root)
  return forbidden(
    "ZSCORE", root, "ZREMRANGEBYSCORE", root, "ZADD", root, "ZCARD", root, "ZPOPMIN", root, "DEL", root, "PTTL", root,
    "PEXPIRE", root, "BITFIELD", root
  )
end
