-- set_due: read what is due in the two sets of jobs for later, and of gates, by the server's clock.
--
-- And whether there are bulk operations to be done: asked here, it costs nobody a call of its own.
--
-- KEYS[1]  zset  schedule                    score = unix seconds when due
-- KEYS[2]  zset  retry                       score = unix seconds of the next try
-- KEYS[3]  zset  mainspring:gates:due        gates by which jobs wait; score = unix seconds of the next look
-- KEYS[4]  zset  mainspring:operations:open  ids of bulk operations that are not over
--
-- ARGV[1]  n  how many to read of each at most
--
-- Returns  {now_ms, next_ms, {scheduled, ...}, {retry, ...}, {gate, ...}, operations}  next_ms is when the first that
--          is not due will be, -1 if there is none; and 1 if there are operations, else 0

local schedule, retry, gates, open = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local n = tonumber(ARGV[1])

local time = redis.call("TIME")
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local now = string.format("%.3f", now_ms / 1000)
local next_ms, due = -1, {}
for i, set in ipairs({ schedule, retry, gates }) do
  due[i] = redis.call("ZRANGEBYSCORE", set, "-inf", now, "LIMIT", 0, n)
  local later = redis.call("ZRANGEBYSCORE", set, "(" .. now, "+inf", "WITHSCORES", "LIMIT", 0, 1)
  if #later > 0 then
    local at = math.ceil(tonumber(later[2]) * 1000)
    if next_ms < 0 or at < next_ms then
      next_ms = at
    end
  end
end
return { now_ms, next_ms, due[1], due[2], due[3], redis.call("EXISTS", open) }
