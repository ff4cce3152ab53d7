-- queue_position: find where in a queue the first of some jobs stands that still waits there.
--
-- KEYS[1]  list  queue:<name>  payloads, newest at the head
--
-- ARGV[1]     most     how many jobs to look at for each, counted from the tail
-- ARGV[2...]  payload  jobs as the queue has them; at most 100
--
-- Returns  n   how many run before it
--          -1  none of them waits there

local queue = KEYS[1]
local most = ARGV[1]

local last = redis.call("LLEN", queue) - 1
for i = 2, #ARGV do
  local place = redis.call("LPOS", queue, ARGV[i], "RANK", -1, "MAXLEN", most)
  if place then
    local n = last - place
    return n
  end
end
return -1
