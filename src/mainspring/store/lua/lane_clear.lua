-- lane_clear: drop for good the jobs of one queue among some that wait by a gate.
--
-- KEYS[1]  list    mainspring:lane:<gate>  elements of jobs that wait, newest at the head
-- KEYS[2]  string  mainspring:             the beginning of keys of ours
--
-- ARGV[1]  gate   the gate's name
-- ARGV[2]  queue  the queue's name
-- ARGV[3]  skip   how many of those that wait longest to leave out
-- ARGV[4]  count  how many to look at, 500 at most
--
-- Returns  {dropped, looked}  how many were dropped, of how many
-- include: lib/forbidden.lua
-- include: lib/ties.lua

local lane, root = KEYS[1], KEYS[2]
local name, queue, skip, count = ARGV[1], ARGV[2], tonumber(ARGV[3]), math.min(tonumber(ARGV[4]), 500)

-- An ACL that forbids one of these is met before the first write, lest it is half done.
local refusal = forbidden("LSET", lane, "LREM", lane) or ties_forbidden(root)
if refusal then
  return refusal
end
local view, freed, now_ms = gates_view(root), {}, ties_now_ms()
local entries = redis.call("LRANGE", lane, -skip - count, -skip - 1)
local dropped, mark = {}, redis.sha1hex(name .. now_ms)
for i = #entries, 1, -1 do
  local job = gates_read(entries[i])
  if job and job.queue == queue then
    -- The last of them has the place -skip - 1.
    dropped[#dropped + 1] = { job, i - #entries - skip - 1 }
  end
end
if #dropped > 0 then
  -- Trims nothing; but as it could free memory, a full server lets it run, and then the rest of the script.
  redis.call("LTRIM", lane, 0, -1)
  for _, each in ipairs(dropped) do
    redis.call("LSET", lane, each[2], mark)
  end
  redis.call("LREM", lane, -#dropped, mark)
  local gate = gates_find(view, name)
  gates_left(view, gate, queue, #dropped)
  if gate.waiting == 0 then
    gates_empty(view, gate)
  end
  for _, each in ipairs(dropped) do
    local ties = ties_of(each[1].payload)
    if ties then
      let_go(gates_slot(view, queue), root, ties, "dropped", now_ms, now_ms, freed)
    end
  end
  gates_reopen(root, freed)
end
return { #dropped, #entries }
