-- limiter_read: tell how much of some limits is in use, how many wait for it, and what was counted of it.
--
-- KEYS[1...]  zset  mainspring:limit:<kind>:<name>  for each limit what is taken of it, of some kinds a string; then
--                   the sorted set of those that wait for it; then its counts, as lib/limit.lua has them
--
-- ARGV[1...]  spec  of each limit
--
-- Returns  {minute, used, waiting, counts, ...}  the number of this minute since 1970; then for each limit two numbers, the
--                                                first in millionths, and the bytes of its counts
-- include: lib/limit.lua

local time = redis.call("TIME")
local now_us = time[1] * 1000000 + time[2]
local out = { math.floor(time[1] / 60) }
for i, spec in ipairs(ARGV) do
  local queue = KEYS[i * 3 - 1]
  out[#out + 1] = limit_used(limit_read(KEYS[i * 3 - 2], spec), now_us)
  out[#out + 1] = redis.call("ZCOUNT", queue, "(" .. limit_text(now_us), "+inf")
  out[#out + 1] = limit_counts(KEYS[i * 3])
end
return out
