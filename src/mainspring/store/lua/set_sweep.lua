-- set_sweep: drop a part of the jobs of a set that was cleared, and settle what hangs on them.
--
-- KEYS[1]  zset    mainspring:cleared:<name>  those that are to be dropped
-- KEYS[2]  string  mainspring:                the beginning of keys of ours
--
-- ARGV[1]  most   how many to drop at most
-- ARGV[2]  bytes  after so many bytes of jobs it stops as well
--
-- Returns  n  how many were dropped
--          0  there are none
-- include: lib/forbidden.lua
-- include: lib/ties.lua

local cleared, root = KEYS[1], KEYS[2]
local most, bytes = tonumber(ARGV[1]), tonumber(ARGV[2])

if redis.call("EXISTS", cleared) == 0 then
  return 0
end
-- An ACL that forbids one of these is met before the first write, lest a job is dropped and holds its lock.
local refusal = forbidden("ZPOPMIN", cleared) or ties_forbidden(root)
if refusal then
  return refusal
end
local n, now_ms = 0, ties_now_ms()
local payload = redis.call("ZPOPMIN", cleared)[1]
while payload do
  n, bytes = n + 1, bytes - #payload
  local ties = ties_of(payload)
  if ties then
    let_go(ties_slot(root, ties), root, ties, "dropped", now_ms, now_ms)
  end
  payload = n < most and bytes > 0 and redis.call("ZPOPMIN", cleared)[1]
end
return n
