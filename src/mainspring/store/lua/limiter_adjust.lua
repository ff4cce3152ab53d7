-- limiter_adjust: correct what was taken of a points limit, once it is known.
--
-- KEYS[1]  string  mainspring:limit:points:<name>  points in use, and when that was
--
-- ARGV[1]  spec   the limit
-- ARGV[2]  delta  how many points more were used than were taken; negative for fewer
--
-- Returns  1  done
-- include: lib/limit.lua

local key, spec, delta = KEYS[1], ARGV[1], tonumber(ARGV[2])

local limit = limit_read(key, spec)
local time = redis.call("TIME")
local refusal = limit_forbidden(limit)
if refusal then
  return refusal
end
limit_commit(limit, time[1] * 1000000 + time[2], delta)
return 1
