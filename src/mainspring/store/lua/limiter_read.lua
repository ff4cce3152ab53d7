-- limiter_read: tell how much of some limits is in use, and how many wait for it.
--
-- KEYS[1...]  zset  mainspring:limit:<kind>:<name>  for each limit what is taken of it, of some kinds a string; then
--                   the sorted set of those that wait for it
--
-- ARGV[1...]  spec  of each limit
--
-- Returns  {used, waiting, ...}  for each limit two numbers, the first in millionths
-- include: lib/limit.lua

local time = redis.call("TIME")
local now_us = time[1] * 1000000 + time[2]
local out = {}
for i, spec in ipairs(ARGV) do
  local queue = KEYS[i * 2]
  out[2 * i - 1] = limit_used(limit_read(KEYS[i * 2 - 1], spec), now_us)
  out[2 * i] = redis.call("ZCOUNT", queue, "(" .. limit_text(now_us), "+inf")
end
return out
