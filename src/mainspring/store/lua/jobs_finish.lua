-- jobs_finish: acknowledge jobs that succeeded and on which something hangs, and count them.
--
-- KEYS[1]  hash    {queue:<name>}:p:<id>    seq -> payload
-- KEYS[2]  string  stat:processed           runs so far
-- KEYS[3]  string  stat:processed:<day>     runs of one UTC day
-- KEYS[4]  string  {queue:<name>}:          the beginning of this queue's keys
-- KEYS[5]  string  mainspring:              the beginning of keys of ours
--
-- ARGV[1...]  job  eight arguments each: seq; jid; lock, or empty; batch, or empty; number in the batch; gates,
--                  parted by commas; result, or empty; how long it is kept, in ms. At most 500 jobs
--
-- Returns  {1 or 0, ...}  for each: 1 done now, 0 no longer this process's
-- include: lib/forbidden.lua
-- include: lib/count.lua
-- include: lib/result.lua
-- include: lib/ties.lua

local inflight, processed, processed_day, slot, root = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]

-- An ACL that forbids one of these is met before the first write, lest jobs are done and not counted.
local refusal = forbidden("INCRBY", processed, "INCRBY", processed_day, "EXPIRE", processed_day) or ties_forbidden(root)
if refusal then
  return refusal
end
local out, n, freed, now_ms = {}, 0, {}, ties_now_ms()
for i = 1, #ARGV, 8 do
  local jid, result = ARGV[i + 1], ARGV[i + 6]
  -- The fence. It frees memory as well, so a full server lets the rest of the script run.
  local mine = redis.call("HDEL", inflight, ARGV[i], "_run:" .. ARGV[i]) > 0 and 1 or 0
  out[#out + 1] = mine
  n = n + mine
  if mine == 1 then
    if result ~= "" then
      result_keep(root, jid, result, tonumber(ARGV[i + 7]))
    end
    local ties = ties_new(jid, ARGV[i + 2], 0, ARGV[i + 3], tonumber(ARGV[i + 4]), ties_gates(ARGV[i + 5]))
    let_go(slot, root, ties, "ok", now_ms, now_ms, freed)
  end
end
gates_reopen(root, freed)
if n > 0 then
  count(processed, processed_day, n)
end
return out
