-- set_remove: drop jobs of a set for good, and settle what hangs on them.
--
-- KEYS[1]  zset    schedule, retry or dead  payloads
-- KEYS[2]  string  mainspring:              the beginning of keys of ours
--
-- ARGV[1...]  payload  jobs as the set has them; at most 1,000
--
-- Returns  n  how many were dropped; the others were not there
-- include: lib/ties.lua

local set, root = KEYS[1], KEYS[2]

local all, refusal = ties_of_all(root, ARGV)
-- An ACL that forbids one of these is met before the first write, lest a job is gone and holds its lock.
if refusal then
  return refusal
end
local n = 0
for i, payload in ipairs(ARGV) do
  if redis.call("ZREM", set, payload) == 1 then
    n = n + 1
    if all[i] then
      let_go(ties_slot(root, all[i]), root, all[i], "dropped", 0, 0)
    end
  end
end
return n
