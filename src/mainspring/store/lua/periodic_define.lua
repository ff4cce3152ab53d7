-- periodic_define: store entries that are new or have changed, and leave the others alone.
--
-- What has run is kept, also when the entry is due by another rule: then its ticks count from now on.
--
-- KEYS[1]     hash    mainspring:periodic:<ns>:code          whose schedule counts
-- KEYS[2]     zset    mainspring:periodic:<ns>:names         name -> version of the entry's last change
-- KEYS[3]     string  mainspring:periodic:<ns>:version       of the last change of any entry
-- KEYS[4...]  hash    mainspring:periodic:<ns>:entry:<name>  one for each entry, at most 500
--
-- ARGV[1]     digest  of the schedule in the caller's code
-- ARGV[2]     origin  who defines: "code", which must be the code that counts, or another
-- ARGV[3]     limit   how many entries there may be in all with these; 0: any number
-- ARGV[4...]  name    then stamp, when, def and paused (1 if it begins so), for each entry
--
-- Returns  {now_ms, result, ...}  the server's time, and for each entry: 0 the same, 1 new, 2 changed, -1 other code
--                                 counts, -2 it belongs to the code, -3 too many
-- include: lib/advance.lua
-- include: lib/forbidden.lua

local code, names, version = KEYS[1], KEYS[2], KEYS[3]
local digest, origin, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])

local time = redis.call("TIME")
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local now, just_before = string.format("%.3f", now_ms / 1000), string.format("%.3f", (now_ms - 1) / 1000)
local counts = redis.call("HMGET", code, "current", "number")
local count = redis.call("ZCARD", names)
local gen = origin == "code" and counts[2]

local function put(fields, field, value)
  fields[#fields + 1] = field
  fields[#fields + 1] = value
end

-- What is to be written of an entry, and the answer.
local function judged(old, stamp, when, def, paused)
  if origin == "code" and counts[1] ~= digest then
    return nil, -1
  end
  if old[1] and old[3] == "code" and origin ~= "code" then
    return nil, -2
  end
  if old[1] == stamp and old[3] == origin then
    return gen and old[4] ~= gen and { "gen", gen } or nil, 0
  end
  if not old[1] and limit > 0 and count >= limit then
    return nil, -3
  end
  local fields = { "def", def, "stamp", stamp, "when", when, "origin", origin }
  if gen then
    put(fields, "gen", gen)
  end
  if old[1] then
    if old[2] ~= when then
      put(fields, "since", now)
    end
    return fields, 2
  end
  count = count + 1
  put(fields, "anchor", now)
  -- The entry's first tick may be the anchor itself.
  put(fields, "since", just_before)
  if paused == "1" then
    put(fields, "paused", now)
  end
  return fields, 1
end

local answer, writes, changed = { now_ms }, {}, {}
for i = 4, #KEYS do
  local entry, at = KEYS[i], 4 + (i - 4) * 5
  local old = redis.call("HMGET", entry, "stamp", "when", "origin", "gen")
  local fields, result = judged(old, ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4])
  answer[#answer + 1] = result
  if fields then
    writes[#writes + 1] = { entry, fields }
  end
  if result > 0 then
    -- Scores of the names; the version takes their place when it is known.
    put(changed, false, ARGV[at])
  end
end

-- An ACL that forbids one of these is met before the first write, lest an entry is stored that no clock is told of.
local refusal = forbidden("SET", version, "ZADD", names)
for _, write in ipairs(writes) do
  refusal = refusal or forbidden("HSET", write[1])
end
if refusal then
  return refusal
end
if #changed > 0 then
  local newest = advance(version, now_ms)
  for i = 1, #changed, 2 do
    changed[i] = newest
  end
  redis.call("ZADD", names, unpack(changed))
end
for _, write in ipairs(writes) do
  local entry = write[1]
  redis.call("HSET", entry, unpack(write[2]))
end
return answer
