-- jobs_fetch: take jobs from a queue into a process's in-flight hash.
--
-- A request that is made again with the same id, because its answer was lost, gets the same jobs again.
--
-- KEYS[1]  list    queue:<name>                payloads, newest at the head
-- KEYS[2]  hash    {queue:<name>}:p:<id>       seq -> payload, and the last request
-- KEYS[3]  string  {queue:<name>}:fence        deliveries so far
-- KEYS[4]  string  {queue:<name>}:tomb:<id>    stands if the process was declared dead
-- KEYS[5]  set     paused                      names of paused queues
-- KEYS[6]  set     {queue:<name>}:owners       identities that may hold jobs
--
-- ARGV[1]  n       how many to take; 1,000 if it is more
-- ARGV[2]  reqid   the request's id
-- ARGV[3]  field   where this requester's last request is kept
-- ARGV[4]  name    the queue's name
-- ARGV[5]  id      the process's identity
--
-- Returns  {seq, payload, ...}  what was taken, the oldest first
--          0                    the queue is paused
--          -1                   the process was declared dead
-- include: lib/forbidden.lua

local queue, inflight, fence, tomb, paused, owners = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
-- More than this would not fit into one call of HSET, which comes when the jobs have left the queue.
local n = math.min(tonumber(ARGV[1]), 1000)
local reqid, field, name, id = ARGV[2], ARGV[3], ARGV[4], ARGV[5]

if redis.call("EXISTS", tomb) == 1 then
  return -1
end
local last = redis.call("HGET", inflight, field)
if last then
  local id, first, count = string.match(last, "^(.-):(%d+):(%d+)$")
  if id == reqid then
    local out = {}
    for seq = tonumber(first), tonumber(first) + tonumber(count) - 1 do
      local payload = redis.call("HGET", inflight, seq)
      if payload then
        out[#out + 1] = seq
        out[#out + 1] = payload
      end
    end
    return out
  end
end
if redis.call("SISMEMBER", paused, name) == 1 then
  return 0
end

-- An ACL that forbids one of these is met before the first write, lest jobs are lost.
local refusal = forbidden("INCRBY", fence, "HSET", inflight, "SADD", owners)
if refusal then
  return refusal
end
-- RPOP comes first: it frees memory, so a full server lets the rest of the script run.
local payloads = redis.call("RPOP", queue, n)
if not payloads then
  return {}
end
local newest = redis.call("INCRBY", fence, #payloads)
local oldest = newest - #payloads + 1
local out, seq = {}, oldest
for i = 1, #payloads do
  out[2 * i - 1], out[2 * i] = seq, payloads[i]
  seq = seq + 1
end
redis.call("HSET", inflight, field, reqid .. ":" .. oldest .. ":" .. #payloads, unpack(out))
-- Whoever holds jobs can be found, even if it had left before this request came, or the server had lost its data.
redis.call("SADD", owners, id)
return out
