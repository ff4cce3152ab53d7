-- once_release: give back what was to be done once, unless it is another's by now.
--
-- KEYS[1]  string  mainspring:once:<name>  the owner
--
-- ARGV[1]  owner  who gives it back
--
-- Returns  1  it is free
--          0  it was another's, or nobody's

local key = KEYS[1]
local owner = ARGV[1]

if redis.call("GET", key) ~= owner then
  return 0
end
return redis.call("DEL", key)
