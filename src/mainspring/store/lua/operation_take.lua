-- operation_take: take jobs of an operation out of the midst of a queue, and note how far it is, in one step.
--
-- What was pushed meanwhile has moved all of them by the same number of places; what is no longer there is left alone.
--
-- KEYS[1]  hash    mainspring:operation:<id>     the operation
-- KEYS[2]  zset    mainspring:operations:open    ids of those that are not over
-- KEYS[3]  stream  mainspring:audit              who did what
-- KEYS[4]  list    queue:<name>                  payloads
-- KEYS[5]  zset    dead                          jobs that shall not run
-- KEYS[6]  string  {queue:<name>}:               the beginning of this queue's keys
-- KEYS[7]  string  mainspring:                   the beginning of keys of ours
--
-- ARGV[1]      id        its id
-- ARGV[2]      fence     of its runner
-- ARGV[3]      lease_ms  for how long the runner holds it then
-- ARGV[4]      looked    how many jobs were looked at for this part
-- ARGV[5]      skipped   how many of these were meant and cannot be done
-- ARGV[6]      is_last   1 if nothing is left to be looked at
-- ARGV[7]      died      unix seconds of their death; empty to drop them for good
-- ARGV[8]      oldest    unix seconds; what died before that leaves the dead set
-- ARGV[9]      most      how many that may hold
-- ARGV[10...]  place     counted from the head, 0 for the job that was pushed last, and the payload; at most 1,000 pairs
--
-- Returns  n   how many were taken out by this call
--          -1  it is over, or another runner's: nothing was done
-- include: lib/operation.lua
-- include: lib/ties.lua

local record, open, audit, queue, dead, slot, root = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local name, fence, lease_ms, looked, skipped, is_last =
  ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6]
local died, oldest, most = ARGV[7], ARGV[8], tonumber(ARGV[9])

if not operation_is_held(record, fence) then
  return -1
end

-- Where a job is that stood at a place before those behind it were pushed. The whole queue is looked through for few.
local moved, searches = 0, 20
local function find(place, payload)
  if place + moved >= 0 and redis.call("LINDEX", queue, place + moved) == payload then
    return place + moved
  end
  local first = math.max(place + moved - 20, 0)
  for i, other in ipairs(redis.call("LRANGE", queue, first, first + 40)) do
    if other == payload then
      moved = first + i - 1 - place
      return first + i - 1
    end
  end
  searches = searches - 1
  local found = searches >= 0 and redis.call("LPOS", queue, payload)
  if found then
    moved = found - place
  end
  return found
end

local places, payloads, seen = {}, {}, {}
for i = 10, #ARGV, 2 do
  local place = find(tonumber(ARGV[i]), ARGV[i + 1])
  if place and not seen[place] then
    seen[place] = true
    places[#places + 1] = place
    payloads[#payloads + 1] = ARGV[i + 1]
  end
end

-- Fails here if the key is no sorted set: an error after the first write would lose a job.
redis.call("ZCARD", dead)
-- An ACL that forbids one of these is met before the first write, lest jobs are lost.
local all, refusal = ties_of_all(root, payloads)
refusal = refusal or operation_forbidden(record, open, audit) or forbidden(
  "LSET", queue, "LREM", queue, "ZADD", dead, "ZREMRANGEBYSCORE", dead, "ZREMRANGEBYRANK", dead
)
if refusal then
  return refusal
end
local n, freed, now_ms = 0, {}, ties_now_ms()
-- It could free memory, so a full server lets the rest of the script run.
redis.call("PEXPIRE", record, 2592000000)
if #places > 0 then
  -- Nobody sees the mark: it is gone before this script ends.
  local mark = redis.sha1hex(payloads[1] .. now_ms)
  for i, place in ipairs(places) do
    redis.call("LSET", queue, place, mark)
    if died ~= "" then
      redis.call("ZADD", dead, died, payloads[i])
    end
  end
  n = redis.call("LREM", queue, 0, mark)
end
for _, ties in ipairs(all) do
  if ties then
    let_go(slot, root, ties, died == "" and "dropped" or "dead", now_ms, now_ms, freed)
  end
end
gates_reopen(root, freed)
if died ~= "" then
  redis.call("ZREMRANGEBYSCORE", dead, "-inf", "(" .. oldest)
  redis.call("ZREMRANGEBYRANK", dead, 0, -most - 1)
end
operation_note(record, now_ms, lease_ms, looked, n, skipped, 0)
if is_last == "1" then
  operation_end(record, open, audit, name, "done", now_ms, "", "")
end
return n
