-- job_mark: note that a job which was recovered before is about to run, so that a crash is blamed on it alone.
--
-- KEYS[1]  hash  {queue:<name>}:p:<id>  seq -> payload, and marks
--
-- ARGV[1]  seq  the delivery
--
-- Returns  1  noted
--          0  no longer this process's job
-- include: lib/forbidden.lua

local inflight = KEYS[1]
local seq = ARGV[1]

if redis.call("HEXISTS", inflight, seq) == 0 then
  return 0
end
-- An ACL that forbids one of these is met before the first write, lest an earlier mark is lost.
local refusal = forbidden("HSET", inflight)
if refusal then
  return refusal
end
-- Frees memory, so a full server lets the rest of the script run.
redis.call("HDEL", inflight, "_run:" .. seq)
redis.call("HSET", inflight, "_run:" .. seq, 1)
return 1
