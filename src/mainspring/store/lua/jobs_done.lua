-- jobs_done: acknowledge jobs that succeeded, and count them.
--
-- KEYS[1]  hash    {queue:<name>}:p:<id>    seq -> payload
-- KEYS[2]  string  stat:processed           runs so far
-- KEYS[3]  string  stat:processed:<day>     runs of one UTC day
--
-- ARGV[1...]  seq  deliveries; at most 1,000
--
-- Returns  {1 or 0, ...}  for each: 1 done now, 0 no longer this process's
-- include: lib/count.lua
-- include: lib/forbidden.lua

local inflight, processed, processed_day = KEYS[1], KEYS[2], KEYS[3]

-- An ACL that forbids one of these is met before the first write, lest jobs are done and not counted.
local refusal = forbidden("INCRBY", processed, "INCRBY", processed_day, "EXPIRE", processed_day)
if refusal then
  return refusal
end
local out, n = {}, 0
for i, seq in ipairs(ARGV) do
  local mine = redis.call("HDEL", inflight, seq)
  out[i] = mine
  n = n + mine
end
if n > 0 then
  count(processed, processed_day, n)
end
return out
