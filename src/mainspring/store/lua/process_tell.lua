-- process_tell: give a process an order, which nobody hears after a while.
--
-- KEYS[1]  list  mainspring:control:<id>  orders, the oldest at the head
--
-- ARGV[1]  order    such as "cancel <jid>"
-- ARGV[2]  seconds  for how long it waits for its process
--
-- Returns  n  how many orders wait
-- include: lib/forbidden.lua

local control = KEYS[1]
local order, seconds = ARGV[1], tonumber(ARGV[2])

local refusal = forbidden("EXPIRE", control)
if refusal then
  return refusal
end

local n = redis.call("RPUSH", control, order)
redis.call("EXPIRE", control, seconds)
return n
