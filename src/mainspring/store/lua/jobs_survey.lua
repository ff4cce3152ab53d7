-- jobs_survey: count the jobs at each place where jobs can be.
--
-- KEYS[1]  set     queues                every queue name ever used
-- KEYS[2]  zset    schedule              jobs for later
-- KEYS[3]  zset    retry                 failed jobs
-- KEYS[4]  zset    dead                  jobs out of retries
-- KEYS[5]  set     processes             identities of processes
-- KEYS[6]  zset    mainspring:gates:due  gates by which jobs wait
-- KEYS[7]  string  mainspring:           the beginning of keys of ours
--
-- ARGV[1]  most  how many gates are told apart at most
--
-- Returns  {now_us, scheduled, retries, dead, busy, lanes, {queue, size, ...}, {gate, waiting, ...}}  lanes is how
--          many wait by any gate
-- include: lib/count_of.lua

local queues, schedule, retry, dead, processes, due, root = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local most = tonumber(ARGV[1])

local prefix = string.sub(root, 1, -1 - string.len("mainspring:"))
local time = redis.call("TIME")
local now_us = time[1] * 1000000 + time[2]

local sizes, lanes = {}, 0
for _, name in ipairs(redis.call("SMEMBERS", queues)) do
  sizes[#sizes + 1] = name
  sizes[#sizes + 1] = count_of_list(prefix .. "queue:" .. name)
  lanes = lanes + count_of_hash(prefix .. "{queue:" .. name .. "}:lanes")
end
local busy = 0
for _, identity in ipairs(redis.call("SMEMBERS", processes)) do
  busy = busy + count_of_field(prefix .. identity, "busy")
end
local gates = {}
for _, gate in ipairs(most > 0 and redis.call("ZRANGE", due, 0, most - 1) or {}) do
  gates[#gates + 1] = gate
  gates[#gates + 1] = count_of_list(root .. "lane:" .. gate)
end
return {
  now_us, redis.call("ZCARD", schedule), redis.call("ZCARD", retry), redis.call("ZCARD", dead), busy, lanes, sizes, gates
}
