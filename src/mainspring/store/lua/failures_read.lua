-- failures_read: read some of the errors that are known, in one round trip.
--
-- KEYS[1]  zset    mainspring:failures  signature -> unix seconds at which it was seen last
-- KEYS[2]  string  mainspring:          the beginning of keys of ours
--
-- ARGV[1]  skip   how many to leave out
-- ARGV[2]  count  how many to read, from 1 to 1,000
--
-- Returns  {{signature, fields, runs}, ...}  the one that was seen last first

local failures, root = KEYS[1], KEYS[2]
local skip, count = tonumber(ARGV[1]), tonumber(ARGV[2])

local out = {}
for _, signature in ipairs(redis.call("ZREVRANGE", failures, skip, skip + count - 1)) do
  local key, runs = root .. "failure:" .. signature, root .. "failure:" .. signature .. ":runs"
  local fields = redis.call("HMGET", key, "job", "error", "message", "frame", "queue", "count", "first", "last",
    "minute", "jids", "backtrace")
  out[#out + 1] = { signature, fields, redis.call("GET", runs) }
end
return out
