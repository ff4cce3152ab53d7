-- gate_enter: let fetched jobs start that pass their gates, and put the others aside, into lanes.
--
-- A job that holds its gates already, as it was let in before, is never refused.
--
-- KEYS[1]  hash    {queue:<name>}:p:<id>  seq -> payload
-- KEYS[2]  string  {queue:<name>}:        the beginning of this queue's keys
-- KEYS[3]  string  mainspring:            the beginning of keys of ours
--
-- ARGV[1...]  group  of each: the gates of its jobs, parted by commas; how many jobs it has; then seq and jid of each.
--                    At most 500 jobs in all
--
-- Returns  {n, ...}  for each job: 1 it may start, 2 it waits in a lane, 0 it may not, and is no longer this process's
-- include: lib/forbidden.lua
-- include: lib/gates.lua

local inflight, slot, root = KEYS[1], KEYS[2], KEYS[3]

-- An ACL that forbids one of these is met before the first write, lest a job is lost.
local refusal = forbidden("HDEL", inflight) or gates_forbidden(root)
if refusal then
  return refusal
end
local view, queue, out = gates_view(root), gates_queue(slot), {}
-- There is none; but as it could free memory, a full server lets it run, and then the rest of the script.
redis.call("HDEL", inflight, "")
local i = 1
while i < #ARGV do
  local names, n = gates_names(ARGV[i]), tonumber(ARGV[i + 1])
  for place = i + 2, i + 2 * n, 2 do
    local seq, jid = ARGV[place], ARGV[place + 1]
    local member = queue .. "\n" .. jid
    local held, closed, is_new = gates_held(view, names, member)
    local payload = closed and redis.call("HGET", inflight, seq)
    if closed and not payload or is_new and not closed and redis.call("HEXISTS", inflight, seq) == 0 then
      out[#out + 1] = 0
    elseif not closed then
      gates_start(view, names, held, member, jid)
      out[#out + 1] = 1
    else
      redis.call("HDEL", inflight, seq, "_run:" .. seq)
      gates_put(view, closed, queue, member .. "\n" .. table.concat(names, ",") .. "\n" .. payload)
      -- All or none: what it held of its other gates is for others meanwhile.
      gates_release(view, names, member)
      out[#out + 1] = 2
    end
  end
  i = i + 2 + 2 * n
end
gates_commit(view)
return out
