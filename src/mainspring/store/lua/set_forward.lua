-- set_forward: move jobs from a set into a queue, or a lane; whoever removes one from the set pushes it.
--
-- What waits for later keeps what hangs on it; what was dead takes its lock again, if it is free. What has gates passes
-- them, or waits there.
--
-- KEYS[1]  zset    schedule, retry or dead   payloads
-- KEYS[2]  list    queue:<name>              payloads, newest at the head
-- KEYS[3]  set     queues                    every queue name ever used
-- KEYS[4]  string  mainspring:               the beginning of keys of ours
--
-- ARGV[1]     name    the queue's name
-- ARGV[2]     manner  again for what was dead, else empty
-- ARGV[3...]  old     the payload as the set has it, and new, as it shall be pushed; at most 100 pairs
--
-- Returns  n  how many were moved by this call
-- include: lib/forbidden.lua
-- include: lib/ties.lua

local set, queue, queues, root = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local name, manner = ARGV[1], ARGV[2]

-- Fails here if the key is no list: an error after the first write would lose the job that left the set.
redis.call("LLEN", queue)
-- An ACL that forbids one of these is met before the first write, lest jobs are lost.
local all, refusal = ties_of_all(root, ARGV)
refusal = forbidden("LPUSH", queue, "SADD", queues) or refusal
if refusal then
  return refusal
end
local n, view = 0, gates_view(root)
for i = 3, #ARGV, 2 do
  if redis.call("ZREM", set, ARGV[i]) == 1 then
    local ties, payload = all[i + 1], ARGV[i + 1]
    if not ties or not gates_fit(ties.gates, ties.jid)
      or gates_enter(gates_slot(view, name), root, ties.gates, ties.jid, payload, view) then
      redis.call("LPUSH", queue, payload)
    end
    n = n + 1
    if manner == "again" and all[i] then
      ties_moved(root, all[i], manner, 0, 0)
    end
  end
end
gates_noted(view)
if n > 0 then
  redis.call("SADD", queues, name)
end
return n
