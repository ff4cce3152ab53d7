-- queue_drop: take jobs out of the midst of a queue, for good or into the dead set.
--
-- One look at each place and one pass over the queue, where a removal by value would pass over it for each job.
--
-- KEYS[1]  list    queue:<name>     payloads
-- KEYS[2]  zset    dead             jobs that shall not run
-- KEYS[3]  string  {queue:<name>}:  the beginning of this queue's keys
-- KEYS[4]  string  mainspring:      the beginning of keys of ours
--
-- ARGV[1]     died     unix seconds of their death; empty to drop them for good
-- ARGV[2...]  place    counted from the tail, 1 for the job that runs next, then the payload; at most 1,000 pairs
--
-- Returns  n  how many were taken out; those that have moved are left alone
--          0  none stands at its place
-- include: lib/forbidden.lua
-- include: lib/ties.lua

local queue, dead, slot, root = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local died = ARGV[1]

local places, payloads = {}, {}
for i = 2, #ARGV, 2 do
  if redis.call("LINDEX", queue, -tonumber(ARGV[i])) == ARGV[i + 1] then
    places[#places + 1] = -tonumber(ARGV[i])
    payloads[#payloads + 1] = ARGV[i + 1]
  end
end
if #places == 0 then
  return 0
end

-- Fails here if the key is no sorted set: an error after the first write would lose a job.
redis.call("ZCARD", dead)
-- An ACL that forbids one of these is met before the first write, lest jobs are lost.
local all, refusal = ties_of_all(root, payloads)
refusal = forbidden("LSET", queue, "ZADD", dead, "LREM", queue) or refusal
if refusal then
  return refusal
end
-- Trims nothing; but as it could free memory, a full server lets it run, and then the rest of the script.
redis.call("LTRIM", queue, 0, -1)
-- Nobody sees the mark: it is gone before this script ends.
local mark = redis.sha1hex(payloads[1])
for i, place in ipairs(places) do
  redis.call("LSET", queue, place, mark)
  if died ~= "" then
    redis.call("ZADD", dead, died, payloads[i])
  end
end
local n, freed, now_ms = redis.call("LREM", queue, 0, mark), {}, ties_now_ms()
for _, ties in ipairs(all) do
  if ties then
    let_go(slot, root, ties, died == "" and "dropped" or "dead", now_ms, now_ms, freed)
  end
end
gates_reopen(root, freed)
return n
