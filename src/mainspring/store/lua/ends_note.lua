-- ends_note: keep how runs of an entry's jobs ended, for people: the newest, in front of those known before.
--
-- KEYS[1]  list  mainspring:periodic:<ns>:outcomes:<name>  how its runs ended, the newest at the head
--
-- ARGV[1]     most  how many are kept
-- ARGV[2]     ttl   for how long, in seconds
-- ARGV[3...]  end   of each: when it was in unix seconds, how, and the job's id, parted by blanks; the oldest first
--
-- Returns  n  how many were kept before they were cut to that number
-- include: lib/forbidden.lua

local ends = KEYS[1]
local most, ttl = tonumber(ARGV[1]), ARGV[2]

local refusal = forbidden("LPUSH", ends, "LTRIM", ends, "EXPIRE", ends)
if refusal then
  return refusal
end
local kept = redis.call("LPUSH", ends, unpack(ARGV, 3))
redis.call("LTRIM", ends, 0, most - 1)
redis.call("EXPIRE", ends, ttl)
return kept
