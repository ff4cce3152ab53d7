-- periodic_read: read entries, and the server's time.
--
-- KEYS[1...]  hash  mainspring:periodic:<ns>:entry:<name>  the entries, at most 500
--
-- ARGV[1...]  field  the fields to read of each; nothing is told of an entry that lacks the first
--
-- Returns  {now_ms, {value, ...}, ...}  the server's time, and for each entry its values, or nothing

local time = redis.call("TIME")
local answer = { time[1] * 1000 + math.floor(time[2] / 1000) }
for i, entry in ipairs(KEYS) do
  local values = redis.call("HMGET", entry, unpack(ARGV, 1))
  answer[i + 1] = values[1] and values
end
return answer
