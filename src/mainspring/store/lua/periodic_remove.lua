-- periodic_remove: delete entries with their histories, if they are the caller's to delete.
--
-- KEYS[1]     hash    mainspring:periodic:<ns>:code          whose schedule counts
-- KEYS[2]     zset    mainspring:periodic:<ns>:names         name -> version of the entry's last change
-- KEYS[3]     string  mainspring:periodic:<ns>:version       of the last change of any entry
-- KEYS[4...]  hash    mainspring:periodic:<ns>:entry:<name>  the entry, then the lists of its history and of how its
--                                                              runs ended; at most 500 entries
--
-- ARGV[1]     digest  of the schedule in the caller's code
-- ARGV[2]     origin  who deletes: "code", which must be the code that counts; another, or "*" for any but the code
-- ARGV[3]     number  of the caller's code: what was defined under a later one stays
-- ARGV[4...]  name    of each entry
--
-- Returns  {1 or 0, ...}  for each: 1 deleted, 0 there is none, or it is not the caller's
-- include: lib/advance.lua
-- include: lib/forbidden.lua

local code, names, version = KEYS[1], KEYS[2], KEYS[3]
local digest, origin, number = ARGV[1], ARGV[2], tonumber(ARGV[3])

local is_current = redis.call("HGET", code, "current") == digest

local function is_ours(owner, gen)
  if origin == "code" then
    return owner == "code" and is_current and (tonumber(gen) or 0) < number
  end
  return owner and owner ~= "code" and (origin == "*" or origin == owner)
end

-- Fail here if the keys have other types: an error after the first write would leave it half done.
redis.call("ZCARD", names)
redis.call("GET", version)
local answer, gone = {}, {}
for i = 4, #ARGV do
  local entry, history, outcomes = KEYS[i * 3 - 8], KEYS[i * 3 - 7], KEYS[i * 3 - 6]
  local known = redis.call("HMGET", entry, "origin", "gen")
  local ours = is_ours(known[1], known[2])
  answer[#answer + 1] = ours and 1 or 0
  -- An ACL that forbids one of these is met before the first write, lest no clock is told.
  local refusal = ours and forbidden("ZREM", names, "SET", version, "DEL", entry, "DEL", history, "DEL", outcomes)
  if refusal then
    return refusal
  end
  if ours then
    gone[#gone + 1] = { ARGV[i], entry, history, outcomes }
  end
end

-- Memory is freed first, so a full server lets the rest of the script run.
for _, each in ipairs(gone) do
  local entry, history, outcomes = each[2], each[3], each[4]
  redis.call("DEL", entry, history, outcomes)
  redis.call("ZREM", names, each[1])
end
if #gone > 0 then
  local time = redis.call("TIME")
  advance(version, time[1] * 1000 + math.floor(time[2] / 1000))
end
return answer
