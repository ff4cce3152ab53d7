-- runs_note: keep runs that went well for people: as attempts of jobs that had failed, and with jobs that are done.
--
-- KEYS[1]  zset    mainspring:finished  id of a job that is done -> unix milliseconds until when it is kept
-- KEYS[2]  string  mainspring:          the beginning of keys of ours
--
-- ARGV[1]     most  how many jobs that are done are kept
-- ARGV[2...]  runs  of each: the job's id; the run, or empty; how long the job's runs are kept, in ms; the job as it is
--                   done, or empty; how long that is kept, in ms. At most 200
--
-- Returns  0        all are kept
--          dropped  so many jobs were dropped, as too many were kept
-- include: lib/forbidden.lua

local finished, root = KEYS[1], KEYS[2]
local most = tonumber(ARGV[1])

local attempts = root .. "attempts:"
local refusal = forbidden(
  "TYPE", attempts, "LPUSH", attempts, "LTRIM", attempts, "PEXPIRE", attempts, "SET", finished, "ZADD", finished,
  "PEXPIRE", finished, "ZCARD", finished, "ZPOPMIN", finished, "DEL", finished
)
if refusal then
  return refusal
end
local time = redis.call("TIME")
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local index, longest = {}, redis.call("PTTL", finished)
for i = 2, #ARGV, 5 do
  local runs, job, keep = attempts .. ARGV[i], finished .. ":" .. ARGV[i], tonumber(ARGV[i + 4])
  local kind = ARGV[i + 1] ~= "" and redis.call("TYPE", runs).ok
  -- Only beside those that failed: of others, the run stands with the job.
  if kind == "list" then
    redis.call("LPUSH", runs, ARGV[i + 1])
    redis.call("LTRIM", runs, 0, 24)
    redis.call("PEXPIRE", runs, ARGV[i + 2])
  end
  if ARGV[i + 3] ~= "" then
    redis.call("SET", job, ARGV[i + 3], "PX", keep)
    index[#index + 1], index[#index + 2] = now_ms + keep, ARGV[i]
    longest = math.max(longest, keep)
  end
end
if #index == 0 then
  return 0
end
redis.call("ZADD", finished, unpack(index))
redis.call("PEXPIRE", finished, longest)
local over = redis.call("ZCARD", finished) - most
if over <= 0 then
  return 0
end
local gone = redis.call("ZPOPMIN", finished, math.min(over, 400))
for i = 1, #gone, 2 do
  local job = finished .. ":" .. gone[i]
  redis.call("DEL", job)
end
local dropped = #gone / 2
return dropped
