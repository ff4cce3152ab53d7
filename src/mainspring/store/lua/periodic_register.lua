-- periodic_register: anchor the entries that are new, and tell since when and how far each has run.
--
-- KEYS[1]  hash  mainspring:periodic:anchor  entry -> unix seconds of its first registration
-- KEYS[2]  hash  mainspring:periodic:last    entry -> unix seconds of the newest tick claimed
--
-- ARGV[1...]  entry  names, 1 to 1,000
--
-- Returns  {now_ms, anchor_ms, last_ms, ...}  the server's time, then a pair for each entry in order;
--          last_ms is -1 for one that never ran

local anchors, last = KEYS[1], KEYS[2]

local time = redis.call("TIME")
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local anchored = redis.call("HMGET", anchors, unpack(ARGV, 1))
local claimed = redis.call("HMGET", last, unpack(ARGV, 1))

local function milliseconds(seconds)
  local number = tonumber(seconds)
  return number and math.floor(number * 1000 + 0.5)
end

-- A full server refuses the write below; it is made only for what is new, so that a restart needs none.
local answer, fresh = { now_ms }, {}
for i, entry in ipairs(ARGV) do
  local anchor_ms = milliseconds(anchored[i])
  if not anchor_ms then
    anchor_ms = now_ms
    fresh[#fresh + 1] = entry
    fresh[#fresh + 1] = string.format("%.3f", now_ms / 1000)
  end
  answer[#answer + 1] = anchor_ms
  answer[#answer + 1] = milliseconds(claimed[i]) or -1
end

if #fresh > 0 then
  redis.call("HSET", anchors, unpack(fresh))
end
return answer
