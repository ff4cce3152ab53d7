-- ring: wake one forwarder if an element has become the first of a sorted set.
local function ring(set, bell, score)
  local first = redis.call("ZRANGE", set, 0, 0, "WITHSCORES")
  if #first == 0 or tonumber(first[2]) >= tonumber(score) then
    redis.call("LPUSH", bell, 1)
    redis.call("LTRIM", bell, 0, 0)
    redis.call("EXPIRE", bell, 60)
  end
end
