-- metrics_add: add what one process has counted to all tiers of the metrics, and to Sidekiq's minutes, once.
--
-- A record is a list in MessagePack: successes, failures, milliseconds of the successes together,
-- then pairs of a bucket's number and its count. What cannot be read as one is replaced.
--
-- KEYS[1]     string    mainspring:metrics:flushed:<token>           was added before
-- KEYS[2...]  hash      mainspring:metrics:<family>:<tier>:<bucket>  name -> record; each tier of jobs, then of queues
-- ...         hash      j|<day>|<minute>                             Sidekiq's totals of the minute, then of ten
-- ...         bitfield  h|<job>-<minute>                             Sidekiq's histogram of each job's runs
--
-- ARGV[1]     ttl     how long the token is remembered, in seconds
-- ARGV[2]     most    how many names one hash may hold
-- ARGV[3]     others  what the names beyond that are counted under
-- ARGV[4]     jobs    how many of the rows are of jobs, and come first; the others are of queues
-- ARGV[5]     tiers   how many tiers there are
-- ARGV[6...]  row     for each of our hashes, then for both totals, its ttl in seconds; then for each row its name and
--                     its record
--
-- Returns  1  added
--          0  it was added before

local flushed = KEYS[1]
local ttl, most, others = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local jobs, tiers = tonumber(ARGV[4]), tonumber(ARGV[5])
-- Which bucket of ours is the first that Sidekiq has as well, and which are their last and our last for runs.
local BELOW, LAST, RUNS = 6, 25, 45

-- Both are in the order of their buckets' numbers, and so is the sum.
local function sum(packed, new)
  local old, at = cmsgpack.unpack(packed), 4
  for i = 1, 3 do
    old[i] = old[i] + new[i]
  end
  for i = 4, #new, 2 do
    local number, known = new[i], old[at]
    while known and known < number do
      at = at + 2
      known = old[at]
    end
    if known == number then
      old[at + 1] = old[at + 1] + new[i + 1]
    else
      table.insert(old, at, number)
      table.insert(old, at + 1, new[i + 1])
    end
  end
  return cmsgpack.pack(old)
end

-- What stands there was written by somebody: it must not stop what comes.
local function added(old, new, packed)
  local good, found = pcall(sum, old, new)
  return good and found or packed
end

-- Their durations go from 20 ms to some minutes; the shorter and the longer ones are one bucket each.
local function histogram(record)
  local changes, counts = { "OVERFLOW", "SAT" }, {}
  for i = 4, #record, 2 do
    if record[i] <= RUNS then
      local number = math.min(math.max(record[i] - BELOW, 0), LAST)
      counts[number] = (counts[number] or 0) + record[i + 1]
    end
  end
  for number = 0, LAST do
    if counts[number] then
      for _, word in ipairs({ "INCRBY", "u16", "#" .. number, counts[number] }) do
        changes[#changes + 1] = word
      end
    end
  end
  return changes
end

local function is(key, kind)
  local found = redis.call("TYPE", key).ok
  return found == kind or found == "none"
end

if redis.call("EXISTS", flushed) == 1 then
  return 0
end

local hashes = 2 * tiers
local names, packed, records = {}, {}, {}
for i = 8 + hashes, #ARGV, 2 do
  local row = #names + 1
  names[row], packed[row], records[row] = ARGV[i], ARGV[i + 1], cmsgpack.unpack(ARGV[i + 1])
end

local writes = {}
for k = 2, hashes + 1 do
  local hash, first, last = KEYS[k], 1, jobs
  if k > tiers + 1 then
    first, last = jobs + 1, #names
  end
  if first <= last then
    local room = most - redis.call("HLEN", hash)
    local old, staged, fields = redis.call("HMGET", hash, others, unpack(names, first, last)), {}, {}
    for i = first, last do
      local name, known = names[i], old[i - first + 2]
      if not known and name ~= others and not staged[name] then
        -- The empty name is that of all together, which has always room.
        if room > 0 or name == "" then
          room = room - 1
        else
          name, known = others, old[1]
        end
      end
      local place = staged[name]
      if not place then
        place = #fields + 2
        staged[name], fields[place - 1] = place, name
      else
        known = fields[place]
      end
      fields[place] = known and added(known, records[i], packed[i]) or packed[i]
    end
    writes[k] = fields
  end
end

redis.call("SET", flushed, 1, "EX", ttl)
for k, fields in pairs(writes) do
  local hash = KEYS[k]
  redis.call("HSET", hash, unpack(fields))
  redis.call("EXPIRE", hash, ARGV[k + 4])
end

-- What stands in their places may be somebody's: that must not stop what comes.
local fields, counts = {}, {}
for i = 1, jobs do
  local ok, failed, ms = records[i][1], records[i][2], records[i][3]
  for what, count in pairs({ p = ok + failed, f = failed, ms = ms }) do
    if count > 0 then
      fields[#fields + 1], counts[#counts + 1] = names[i] .. "|" .. what, count
    end
  end
end
for t = hashes + 2, hashes + 3 do
  local totals, written = KEYS[t], {}
  if #fields > 0 and is(totals, "hash") then
    for i, old in ipairs(redis.call("HMGET", totals, unpack(fields))) do
      written[2 * i - 1], written[2 * i] = fields[i], counts[i] + (tonumber(old or 0) or 0)
    end
    redis.call("HSET", totals, unpack(written))
    redis.call("EXPIRE", totals, ARGV[t + 4])
  end
end
for i = 1, jobs do
  local runs, changes = KEYS[hashes + 3 + i], histogram(records[i])
  if #changes > 2 and is(runs, "string") then
    redis.call("BITFIELD", runs, unpack(changes))
    redis.call("EXPIRE", runs, ARGV[hashes + 6])
  end
end
return 1
