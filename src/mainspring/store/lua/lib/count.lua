-- count: add to a counter for ever and to its counter of the day, which lives for five years.
local function count(total, day, n)
  redis.call("INCRBY", total, n)
  if redis.call("INCRBY", day, n) == n then
    redis.call("EXPIRE", day, 157680000)
  end
end
