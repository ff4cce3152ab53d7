-- operation_slice: do a part of an operation to jobs of a set, and note how far it is, in one step.
--
-- Whoever is not its runner any more changes nothing; what has left the set meanwhile is left alone.
--
-- KEYS[1]  hash    mainspring:operation:<id>     the operation
-- KEYS[2]  zset    mainspring:operations:open    ids of those that are not over
-- KEYS[3]  stream  mainspring:audit              who did what
-- KEYS[4]  zset    schedule, retry or dead       where the jobs are
-- KEYS[5]  zset    schedule, retry or dead       where they go, if they go into a set
-- KEYS[6]  list    mainspring:bell               on which one forwarder a process waits
-- KEYS[7]  set     queues                        every queue name ever used
-- KEYS[8]  string  mainspring:                   the beginning of keys of ours
--
-- ARGV[1]      id        its id
-- ARGV[2]      fence     of its runner
-- ARGV[3]      lease_ms  for how long the runner holds it then
-- ARGV[4]      looked    how many jobs were looked at for this part
-- ARGV[5]      skipped   how many of these were meant and cannot be done
-- ARGV[6]      done      how many were done by other calls
-- ARGV[7]      is_last   1 if nothing is left to be looked at
-- ARGV[8]      manner    drop; move: into the other set; push: into their queues
-- ARGV[9]      what      what this is for that which hangs on a job: dropped, dead, later; again, for what was dead;
--                        or empty
-- ARGV[10]     oldest    unix seconds; what died before that leaves the dead set, if jobs go there
-- ARGV[11]     most      how many that may hold
-- ARGV[12...]  old       the payload as the set has it; as it shall be stored; and its score, or its queue's name; at
--                        most 1,000 times
--
-- Returns  n   how many were done by this call
--          -1  it is over, or another runner's: nothing was done
-- include: lib/operation.lua
-- include: lib/ring.lua
-- include: lib/ties.lua

local record, open, audit, set, target, bell, queues, root =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local name, fence, lease_ms, looked, skipped, done, is_last =
  ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], tonumber(ARGV[6]), ARGV[7]
local manner, what, oldest, most = ARGV[8], ARGV[9], ARGV[10], tonumber(ARGV[11])

if not operation_is_held(record, fence) then
  return -1
end
-- Fails here if the key is no sorted set: an error after the first write would lose jobs.
redis.call("ZCARD", target)
local prefix, olds = string.sub(root, 1, -1 - string.len("mainspring:")), {}
for i = 12, #ARGV, 3 do
  olds[#olds + 1] = ARGV[i]
end
-- An ACL that forbids one of these is met before the first write, lest jobs are lost.
local all, refusal = ties_of_all(root, olds)
refusal = refusal or operation_forbidden(record, open, audit) or forbidden(
  "ZREM", set, "ZADD", target, "ZRANGE", target, "ZREMRANGEBYSCORE", target, "ZREMRANGEBYRANK", target, "LPUSH", bell,
  "LTRIM", bell, "EXPIRE", bell, "SADD", queues
)
local names = {}
for i = 12, manner == "push" and #ARGV or 0, 3 do
  names[ARGV[i + 2]] = true
end
for each in pairs(names) do
  local queue = prefix .. "queue:" .. each
  -- Fails here if the key is no list, likewise.
  redis.call("LLEN", queue)
  refusal = refusal or forbidden("LPUSH", queue)
end
if refusal then
  return refusal
end

local n, view, now_ms = 0, gates_view(root), ties_now_ms()

local function push(old_ties, payload, each)
  if not old_ties or not gates_fit(old_ties.gates, old_ties.jid)
    or gates_enter(gates_slot(view, each), root, old_ties.gates, old_ties.jid, payload, view) then
    local queue = prefix .. "queue:" .. each
    redis.call("LPUSH", queue, payload)
  end
  redis.call("SADD", queues, each)
  if old_ties and what == "again" then
    ties_moved(root, old_ties, what, 0, 0)
  end
end

local function move(old_ties, payload, score)
  ring(target, bell, score)
  redis.call("ZADD", target, score, payload)
  if old_ties then
    ties_moved(root, old_ties, what, score * 1000, now_ms)
  end
end

-- It could free memory, so a full server lets the rest of the script run.
redis.call("PEXPIRE", record, 2592000000)
for i, ties in ipairs(all) do
  local place = 12 + 3 * (i - 1)
  if redis.call("ZREM", set, ARGV[place]) == 1 then
    n = n + 1
    if manner == "push" then
      push(ties, ARGV[place + 1], ARGV[place + 2])
    elseif manner == "move" then
      move(ties, ARGV[place + 1], ARGV[place + 2])
    elseif ties then
      let_go(ties_slot(root, ties), root, ties, "dropped", 0, 0)
    end
  end
end
gates_noted(view)
if manner == "move" and what == "dead" then
  redis.call("ZREMRANGEBYSCORE", target, "-inf", "(" .. oldest)
  redis.call("ZREMRANGEBYRANK", target, 0, -most - 1)
end
operation_note(record, now_ms, lease_ms, looked, n + done, skipped, #all)
if is_last == "1" then
  operation_end(record, open, audit, name, "done", now_ms, "", "")
end
return n
