-- periodic_enter: let a clock take part, and decide whether the schedule in its code is the one that counts.
--
-- Code that was never seen was deployed now, and counts. Code that was seen before was rolled back to, and counts
-- again, if no clock with the code that counts is left; else an old process has started once more during a deploy.
--
-- KEYS[1]  hash    mainspring:periodic:<ns>:code          current, number, and d:<digest> -> number of those seen
-- KEYS[2]  string  mainspring:periodic:<ns>:alive:<own>   stands while a clock with the caller's code lives
-- KEYS[3]  string  mainspring:periodic:<ns>:alive:<seen>  the same for the code that the caller takes for the current
--
-- ARGV[1]  digest  of the schedule in the caller's code
-- ARGV[2]  seen    the digest to which KEYS[3] belongs; empty if the caller knows of none
-- ARGV[3]  ttl_ms  how long a clock is taken for alive after its last sign
--
-- Returns  {status, number, current}  status 1: the caller's code counts; 0: that of another clock, which lives;
--                                     2: another code is current than was seen, so ask again; then the number
--                                     and the digest of the code that counts
-- include: lib/forbidden.lua
-- include: lib/live.lua

local code, alive, theirs = KEYS[1], KEYS[2], KEYS[3]
local digest, seen, ttl_ms = ARGV[1], ARGV[2], ARGV[3]

local known = redis.call("HMGET", code, "current", "number", "d:" .. digest)
local current, number = known[1], tonumber(known[2]) or 0
local is_old = current and current ~= digest and known[3]
if is_old and current ~= seen then
  return { 2, number, current }
end
local follows = is_old and redis.call("EXISTS", theirs) == 1
local begins = not follows and current ~= digest

local fields = begins and redis.call("HGETALL", code) or {}
-- An ACL that forbids one of these is met before the first write, lest the code counts half.
local refusal = forbidden("PEXPIRE", alive, "SET", alive, "HSET", code, "HDEL", code)
if refusal then
  return refusal
end
live(alive, ttl_ms)
if follows then
  return { 0, number, current }
end
if begins then
  number = number + 1
  -- Code of a hundred deploys ago has no process any more.
  for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 2) == "d:" and tonumber(fields[i + 1]) < number - 100 then
      redis.call("HDEL", code, fields[i])
    end
  end
  redis.call("HSET", code, "current", digest, "number", number, "d:" .. digest, number)
end
return { 1, number, digest }
