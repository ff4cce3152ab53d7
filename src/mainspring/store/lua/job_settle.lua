-- job_settle: record what became of one job, in the step that takes it off the process.
--
-- KEYS[1]  hash    {queue:<name>}:p:<id>    seq -> payload
-- KEYS[2]  zset    retry, schedule or dead  where the job goes, if it goes anywhere
-- KEYS[3]  list    mainspring:bell          on which one forwarder a process waits
-- KEYS[4]  string  stat:processed           runs so far
-- KEYS[5]  string  stat:processed:<day>     runs of one UTC day
-- KEYS[6]  string  stat:failed              failed runs so far
-- KEYS[7]  string  stat:failed:<day>        failed runs of one UTC day
-- KEYS[8]  string  {queue:<name>}:          the beginning of this queue's keys
-- KEYS[9]  string  mainspring:              the beginning of keys of ours
-- KEYS[10] string  mainspring:stat:<name>   a counter of jobs that were not run
--
-- ARGV[1]   seq      the delivery
-- ARGV[2]   place    later: into the set by time; bury: into the set as dead; none: nowhere
-- ARGV[3]   score    unix seconds: when due, or when it died
-- ARGV[4]   payload  the job, encoded anew; empty: as it is stored; if it begins with a comma: as it is
--                    stored, with this in the place of its last byte
-- ARGV[5]   runs     1 if it counts as a run
-- ARGV[6]   fails    1 if it counts as a failed run
-- ARGV[7]   oldest   unix seconds; what died before that leaves the dead set
-- ARGV[8]   most     how many the dead set may hold
-- ARGV[9]   what     what this is for that which hangs on the job: ok, failed, dead, dropped or later; empty if
--                    nothing does
-- ARGV[10]  jid      the job's id; empty if what hangs on the job is to be read from it as it is stored
-- ARGV[11]  lock     its unique lock, or empty
-- ARGV[12]  unique   how long the lock holds at most, in ms, if the job goes on
-- ARGV[13]  bid      its batch, or empty
-- ARGV[14]  number   which job of the batch it is
-- ARGV[15]  gates    its gates, parted by commas
-- ARGV[16]  result   what is kept for whoever asks how it ended, or empty
-- ARGV[17]  keep     how long that is kept, in ms
-- ARGV[18]  skips    1 if it goes into that counter
-- ARGV[19]  traced   the job's id, if the run is kept for people; else empty
-- ARGV[20]  attempt  the run
-- ARGV[21]  tries    how long the job's runs are kept, in ms
-- ARGV[22]  until    unix milliseconds until when that is
--
-- Returns  1  recorded
--          0  no longer this process's job: nothing was recorded
-- include: lib/forbidden.lua
-- include: lib/ring.lua
-- include: lib/count.lua
-- include: lib/result.lua
-- include: lib/ties.lua
-- include: lib/trace.lua

local inflight, set, bell = KEYS[1], KEYS[2], KEYS[3]
local processed, processed_day, failed, failed_day = KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local seq, place, score, payload = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local runs, fails, oldest, most = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7], tonumber(ARGV[8])
local slot, root, what, jid, lock, unique = KEYS[8], KEYS[9], ARGV[9], ARGV[10], ARGV[11], tonumber(ARGV[12])
local bid, number, gates, result, keep = ARGV[13], tonumber(ARGV[14]), ARGV[15], ARGV[16], tonumber(ARGV[17])
local skipped, skips = KEYS[10], tonumber(ARGV[18])
local traced, attempt, tries, tried_until = ARGV[19], ARGV[20], ARGV[21], ARGV[22]

-- Fails here if the key is no sorted set: an error after the first write would lose the job.
redis.call("ZCARD", set)
-- An ACL that forbids one of these is met before the first write, lest the job is lost.
local refusal = forbidden(
  "LPUSH", bell, "LTRIM", bell, "EXPIRE", bell, "ZRANGE", set, "ZADD", set, "ZREMRANGEBYSCORE", set,
  "ZREMRANGEBYRANK", set, "INCRBY", processed, "INCRBY", processed_day, "EXPIRE", processed_day,
  "INCRBY", failed, "INCRBY", failed_day, "EXPIRE", failed_day, "INCR", skipped
) or what ~= "" and ties_forbidden(root) or traced ~= "" and trace_forbidden(root)
if refusal then
  return refusal
end
local first = string.sub(payload, 1, 1)
local stored = (what ~= "" and jid == "" or first == "" or first == ",") and redis.call("HGET", inflight, seq) or ""
if place ~= "none" and (first == "" or first == ",") then
  -- What is too long to be read is not sent back either.
  payload = first == "" and stored or string.sub(stored, 1, -2) .. payload
end
local ties = nil
if what ~= "" then
  ties = jid == "" and ties_of(stored) or ties_new(jid, lock, unique, bid, number, gates_names(gates))
end
-- The fence. It frees memory as well, so a full server lets the rest of the script run.
if redis.call("HDEL", inflight, seq) == 0 then
  return 0
end
redis.call("HDEL", inflight, "_run:" .. seq)
if place == "later" then
  ring(set, bell, score)
  redis.call("ZADD", set, score, payload)
elseif place == "bury" then
  redis.call("ZADD", set, score, payload)
  redis.call("ZREMRANGEBYSCORE", set, "-inf", "(" .. oldest)
  redis.call("ZREMRANGEBYRANK", set, 0, -most - 1)
end
if runs == 1 then
  count(processed, processed_day, 1)
end
if fails == 1 then
  count(failed, failed_day, 1)
end
if skips == 1 then
  redis.call("INCR", skipped)
end
if result ~= "" then
  result_keep(root, jid, result, keep)
end
if traced ~= "" then
  trace_attempt(root, traced, attempt, tries, tried_until)
end
if ties then
  let_go(slot, root, ties, what, score * 1000, ties_now_ms())
end
return 1
