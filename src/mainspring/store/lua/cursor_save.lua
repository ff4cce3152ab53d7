-- cursor_save: note how far an iterable job has come, unless it is another process's by now.
--
-- A job that has come farther is not held for the cause of the crashes that it was in.
--
-- KEYS[1]  hash  {queue:<name>}:p:<id>  seq -> payload, and marks
-- KEYS[2]  hash  it-<jid>               ex, c, rt, cancelled: Sidekiq's names
--
-- ARGV[1]  seq      the delivery
-- ARGV[2]  cursor   where to go on, as JSON
-- ARGV[3]  runs     how many runs it has had
-- ARGV[4]  runtime  how long they took together, in seconds
-- ARGV[5]  ttl_ms   how long this is kept, from now
-- ARGV[6]  payload  the job without what it was suspected of; empty: as it is stored
--
-- Returns  2  saved, and somebody has cancelled the job
--          1  saved
--          0  the job is not this process's any more: nothing was saved
-- include: lib/forbidden.lua

local inflight, state = KEYS[1], KEYS[2]
local seq, cursor, runs, runtime = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local ttl_ms, payload = ARGV[5], ARGV[6]

-- The fence: whoever was held for dead does not move the cursor of the process that runs the job now.
if redis.call("HEXISTS", inflight, seq) == 0 then
  return 0
end
local refusal = forbidden("HDEL", inflight, "HSET", inflight, "HSET", state, "PEXPIRE", state)
if refusal then
  return refusal
end
local cancelled = redis.call("HEXISTS", state, "cancelled")
-- Frees memory, so a full server lets the rest of the script run.
redis.call("HDEL", inflight, "_run:" .. seq)
if payload ~= "" then
  redis.call("HSET", inflight, seq, payload)
end
redis.call("HSET", state, "ex", runs, "c", cursor, "rt", runtime)
redis.call("PEXPIRE", state, ttl_ms)
return 1 + cancelled
