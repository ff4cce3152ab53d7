-- gate_define: say what gates allow; what waits by one that changes is looked at at once.
--
-- KEYS[1]  hash    mainspring:gates      gate, or base of gates -> what it allows
-- KEYS[2]  zset    mainspring:gates:due  gates by which somebody waits; score = unix seconds of the next look
-- KEYS[3]  list    mainspring:bell       on which one forwarder a process waits
--
-- ARGV[1]     manner  set: this is newer than what is there; keep: only where nothing is there
-- ARGV[2...]  gate    for each its name, and what it allows; empty: nothing, it is open
--
-- Returns  n  how many have changed
-- include: lib/forbidden.lua
-- include: lib/ring.lua

local gates, due, bell = KEYS[1], KEYS[2], KEYS[3]
local manner = ARGV[1]

-- An ACL that forbids one of these is met before the first write, lest it is half done.
local refusal = forbidden("HSET", gates, "HDEL", gates, "ZADD", due, "ZRANGE", due, "LPUSH", bell, "LTRIM", bell, "EXPIRE", bell)
if refusal then
  return refusal
end
local time, changed, n = redis.call("TIME"), {}, 0
for i = 2, #ARGV, 2 do
  local name, value = ARGV[i], ARGV[i + 1]
  local old = redis.call("HGET", gates, name) or ""
  if old ~= value and (manner == "set" or old == "") then
    if value == "" then
      redis.call("HDEL", gates, name)
    else
      redis.call("HSET", gates, name, value)
    end
    changed[name], n = true, n + 1
  end
end
if n > 0 then
  local now = string.format("%d.%03d", time[1], math.floor(time[2] / 1000))
  for _, name in ipairs(redis.call("ZRANGE", due, 0, 9999)) do
    if changed[name] or changed[string.match(name, "^(.+):[^:]*$")] then
      ring(due, bell, now)
      redis.call("ZADD", due, now, name)
    end
  end
end
return n
