-- process_show: describe a process to whoever watches, and take the signals sent to it.
--
-- For display only: nothing that keeps jobs safe depends on these keys.
--
-- KEYS[1]  hash  <id>:work       slot -> what it runs, for Sidekiq 6.5 and later
-- KEYS[2]  hash  <id>:workers    the same, for Sidekiq 6.4
-- KEYS[3]  set   processes       identities
-- KEYS[4]  hash  <id>            the description
-- KEYS[5]  list  <id>-signals    names of signals, the oldest at the tail
--
-- ARGV[1]     id      the process's identity
-- ARGV[2]     fields  how many arguments of the description follow
-- ARGV[3...]  field   and value, alternating: the description, then slots and what they run
--
-- Returns  {name, ...}  the signals, the oldest first

local work, workers, processes, description, signals = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local id, fields = ARGV[1], tonumber(ARGV[2])

-- Frees memory first, so a full server lets the rest of the script run.
redis.call("DEL", work, workers)
redis.call("SADD", processes, id)
redis.call("HSET", description, unpack(ARGV, 3, 2 + fields))
redis.call("EXPIRE", description, 60)
for _, hash in ipairs({ work, workers }) do
  for i = 3 + fields, #ARGV, 2 do
    redis.call("HSET", hash, ARGV[i], ARGV[i + 1])
  end
  redis.call("EXPIRE", hash, 60)
end
return redis.call("RPOP", signals, 10) or {}
