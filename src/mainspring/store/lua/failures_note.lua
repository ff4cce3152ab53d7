-- failures_note: add what came of some errors to what is known of them, by their signatures.
--
-- KEYS[1]  zset    mainspring:failures  signature -> unix seconds at which it was seen last
-- KEYS[2]  string  mainspring:          the beginning of keys of ours
--
-- ARGV[1]     now     unix seconds
-- ARGV[2]     most    how many signatures are kept
-- ARGV[3]     keep    how long one is kept after it was seen last, in seconds
-- ARGV[4]     runs    how long the counts of its hours are, in seconds
-- ARGV[5...]  errors  of each: signature; job; class; text; frame; queue; backtrace; how many; unix seconds of the
--                     first and of the last; ids of jobs, one a line, the newest first. At most 100
--
-- Returns  0        all are kept
--          dropped  so many signatures were dropped, as too many were kept
-- include: lib/forbidden.lua

local failures, root = KEYS[1], KEYS[2]
local now, most, keep, keep_runs = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]

-- Counts of minutes stand at their numbers modulo 60, and behind them those of hours, modulo 168.
local function add(words, width, start, newest, at, count)
  for number = math.max(newest, at - width) + 1, at do
    table.insert(words, { "SET", start + number % width, 0 })
  end
  if at > newest - width then
    table.insert(words, { "INCRBY", start + at % width, count })
  end
end

local function add_runs(key, newest, minute, count)
  local words, flat = {}, { "OVERFLOW", "SAT" }
  add(words, 60, 0, newest, minute, count)
  add(words, 168, 60, math.floor(newest / 60), math.floor(minute / 60), count)
  for _, word in ipairs(words) do
    flat[#flat + 1], flat[#flat + 2] = word[1], "u32"
    flat[#flat + 1], flat[#flat + 2] = string.format("#%d", word[2]), word[3]
  end
  redis.call("BITFIELD", key, unpack(flat))
  redis.call("EXPIRE", key, keep_runs)
end

-- The newest ten of some ids and those known before.
local function samples(fresh, known)
  local out, seen = {}, {}
  for jid in string.gmatch(fresh .. "\n" .. known, "[^\n]+") do
    if #out < 10 and not seen[jid] then
      out[#out + 1], seen[jid] = jid, true
    end
  end
  return table.concat(out, "\n")
end

local hash = root .. "failure:"
local refusal = forbidden(
  "HSET", hash, "HSETNX", hash, "HINCRBY", hash, "EXPIRE", hash, "BITFIELD", hash, "ZADD", failures,
  "ZREMRANGEBYSCORE", failures, "ZPOPMIN", failures, "EXPIRE", failures, "DEL", hash, "ZCARD", failures
)
if refusal then
  return refusal
end
for i = 5, #ARGV, 11 do
  local signature, count, first, last = ARGV[i], tonumber(ARGV[i + 7]), ARGV[i + 8], tonumber(ARGV[i + 9])
  local key = hash .. signature
  local known = redis.call("HMGET", key, "minute", "jids", "last")
  local newest, minute = tonumber(known[1] or 0), math.floor(last / 60)
  if last >= tonumber(known[3] or 0) then
    redis.call("HSET", key, "job", ARGV[i + 1], "error", ARGV[i + 2], "message", ARGV[i + 3],
      "frame", ARGV[i + 4], "queue", ARGV[i + 5], "backtrace", ARGV[i + 6], "last", ARGV[i + 9])
  end
  redis.call("HSETNX", key, "first", first)
  redis.call("HSET", key, "minute", math.max(newest, minute), "jids", samples(ARGV[i + 10], known[2] or ""))
  redis.call("HINCRBY", key, "count", count)
  redis.call("EXPIRE", key, keep)
  add_runs(key .. ":runs", newest, minute, count)
  redis.call("ZADD", failures, "GT", last, signature)
end
redis.call("EXPIRE", failures, keep)
redis.call("ZREMRANGEBYSCORE", failures, "-inf", now - keep)
local over = redis.call("ZCARD", failures) - most
if over <= 0 then
  return 0
end
local gone = redis.call("ZPOPMIN", failures, math.min(over, 100))
for i = 1, #gone, 2 do
  local key, runs = hash .. gone[i], hash .. gone[i] .. ":runs"
  redis.call("DEL", key, runs)
end
local dropped = #gone / 2
return dropped
