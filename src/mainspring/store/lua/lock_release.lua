-- lock_release: let go the unique lock of a job that is about to start.
--
-- KEYS[1]  hash    {queue:<name>}:p:<id>     seq -> payload
-- KEYS[2]  string  mainspring:lock:<digest>  the jid of the job that holds it
--
-- ARGV[1]  seq  the delivery
-- ARGV[2]  jid  the job's id
--
-- Returns  1  it holds the lock no more, if it did
--          0  no longer this process's job: nothing was done

local inflight, lock = KEYS[1], KEYS[2]
local seq, jid = ARGV[1], ARGV[2]

-- The fence: whoever has the job now will need its lock until it starts there.
if redis.call("HEXISTS", inflight, seq) == 0 then
  return 0
end
if redis.call("GET", lock) == jid then
  redis.call("DEL", lock)
end
return 1
