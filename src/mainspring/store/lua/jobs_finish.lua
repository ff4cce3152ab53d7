-- jobs_finish: acknowledge jobs that succeeded and on which something hangs, and count them.
--
-- KEYS[1]  hash    {queue:<name>}:p:<id>    seq -> payload
-- KEYS[2]  string  stat:processed           runs so far
-- KEYS[3]  string  stat:processed:<day>     runs of one UTC day
-- KEYS[4]  string  {queue:<name>}:          the beginning of this queue's keys
-- KEYS[5]  string  mainspring:              the beginning of keys of ours
--
-- ARGV[1]     columns  which of the columns in brackets each job has: l, b, g, r; or n for jobs of one batch, or u for
--                      jobs with a lock each, on which nothing else hangs
-- ARGV[2...]  job      seq; jid; [l] lock, or empty; [b] batch, or empty, and number in the batch; [g] gates, parted by
--                      commas; [r] result, or empty, and how long it is kept, in ms. With n: the batch; then of each job
--                      seq, and number in the batch. With u: the jids, one behind the other, each as long as the first;
--                      the locks, likewise; then of each job seq. At most 500 jobs
--
-- Returns  {1 or 0, ...}  for each: 1 done now, 0 no longer this process's
-- include: lib/forbidden.lua
-- include: lib/count.lua
-- include: lib/result.lua
-- include: lib/finish.lua

local inflight, processed, processed_day, slot, root = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local columns = ARGV[1]

-- An ACL that forbids one of these is met before the first write, lest jobs are done and not counted.
local refusal = forbidden(
  "MGET", root .. "lock:", "INCRBY", processed, "INCRBY", processed_day, "EXPIRE", processed_day
) or ties_forbidden(root)
if refusal then
  return refusal
end
local has_lock, has_batch = string.find(columns, "l", 1, true), string.find(columns, "b", 1, true)
local has_gates, has_result = string.find(columns, "g", 1, true), string.find(columns, "r", 1, true)
local width = 2 + (has_lock and 1 or 0) + (has_batch and 2 or 0) + (has_gates and 1 or 0) + (has_result and 2 or 0)
local out, n, gathered = {}, 0, finish_gather()

-- Gather what hangs on a job whose columns begin at an argument.
local function gather(jid, first)
  local at = first
  if has_lock then
    if ARGV[at] ~= "" then
      table.insert(gathered.locks, ARGV[at])
      table.insert(gathered.lock_jids, jid)
    end
    at = at + 1
  end
  if has_batch then
    if ARGV[at] ~= "" then
      finish_append(gathered.batches, ARGV[at], tonumber(ARGV[at + 1]))
      finish_append(gathered.batch_jids, ARGV[at], jid)
    end
    at = at + 2
  end
  if has_gates then
    for gate in string.gmatch(ARGV[at], "[^,]+") do
      finish_append(gathered.gates, gate, jid)
    end
    at = at + 1
  end
  if has_result and ARGV[at] ~= "" then
    result_keep(root, jid, ARGV[at], tonumber(ARGV[at + 1]))
  end
end

if columns == "n" then
  local bid, numbers = ARGV[2], {}
  for i = 3, #ARGV, 2 do
    -- The fence. It frees memory as well, so a full server lets the rest of the script run.
    local mine = redis.call("HDEL", inflight, ARGV[i])
    out[#out + 1], n = mine, n + mine
    if mine == 1 then
      numbers[n] = tonumber(ARGV[i + 1])
    end
  end
  if n > 0 then
    gathered.batches, gathered.batch_jids = { bid, [bid] = numbers }, { [bid] = {} }
  end
elseif columns == "u" then
  local jids, locks, many, sub = ARGV[2], ARGV[3], #ARGV - 3, string.sub
  local jid_width, lock_width, held, held_jids = #jids / many, #locks / many, gathered.locks, gathered.lock_jids
  for i = 1, many do
    -- The fence, as above.
    local mine = redis.call("HDEL", inflight, ARGV[i + 3])
    out[i], n = mine, n + mine
    if mine > 0 then
      held[n] = sub(locks, (i - 1) * lock_width + 1, i * lock_width)
      held_jids[n] = sub(jids, (i - 1) * jid_width + 1, i * jid_width)
    end
  end
else
  for i = 2, #ARGV, width do
    -- The fence, as above.
    local mine = redis.call("HDEL", inflight, ARGV[i])
    out[#out + 1], n = mine, n + mine
    if mine == 1 then
      gather(ARGV[i + 1], i + 2)
    end
  end
end
finish_settle(slot, root, gathered)
if n > 0 then
  count(processed, processed_day, n)
end
return out
