-- gate_open: look at gates that are due, and let in what waits there.
--
-- A gate that is still full has its oldest holders looked for, and those forgotten that are nowhere.
--
-- KEYS[1]  zset    mainspring:gates:due  gates by which somebody waits; score = unix seconds of the next look
-- KEYS[2]  string  mainspring:           the beginning of keys of ours
--
-- ARGV[1...]  gate  the names of gates
--
-- Returns  n  how many jobs were let in
-- include: lib/holders.lua

local due, root = KEYS[1], KEYS[2]

-- An ACL that forbids one of these is met before the first write, lest a job is lost.
local refusal = gates_forbidden(root)
if refusal then
  return refusal
end
local view, n = gates_view(root), 0
-- There is none; but as it could free memory, a full server lets it run, and then the rest of the script.
redis.call("ZREM", due, "")
for i = 1, #ARGV do
  local at = tonumber(redis.call("ZSCORE", due, ARGV[i]))
  -- Another forwarder may have looked at it.
  if at and at * 1000000 <= view.now_us then
    local gate = gates_find(view, ARGV[i])
    if gate.room < 1 then
      holders_verify(view, gate)
    end
    n = n + gates_open(view, gate)
    if gate.waiting > 0 and gate.room < 1 and not gate.limit then
      gates_schedule(view, gate)
    end
  end
end
return n
