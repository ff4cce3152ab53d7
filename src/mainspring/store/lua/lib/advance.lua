-- advance: give the entries a new version, which after a loss of data is none that was given before.
local function advance(version, now_ms)
  local newest = string.format("%.0f", math.max(now_ms, (tonumber(redis.call("GET", version)) or 0) + 1))
  redis.call("SET", version, newest)
  return newest
end
