-- metrics_add: add what one process has counted to all tiers of the metrics, once.
--
-- A record is a list in MessagePack: successes, failures, milliseconds of the successes together,
-- then pairs of a bucket's number and its count. What cannot be read as one is replaced.
--
-- KEYS[1]     string  mainspring:metrics:flushed:<token>           was added before
-- KEYS[2...]  hash    mainspring:metrics:<family>:<tier>:<bucket>  name -> record; each tier of jobs, then of queues
--
-- ARGV[1]     ttl     how long the token is remembered, in seconds
-- ARGV[2]     most    how many names one hash may hold
-- ARGV[3]     others  what the names beyond that are counted under
-- ARGV[4]     jobs    how many of the rows are of jobs; the others are of queues
-- ARGV[5...]  row     for each hash its ttl in seconds; then for each row its name and its record
--
-- Returns  1  added
--          0  it was added before

local flushed = KEYS[1]
local ttl, most, others, jobs = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])

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

if redis.call("EXISTS", flushed) == 1 then
  return 0
end

local tiers = (#KEYS - 1) / 2
local names, packed, records = {}, {}, {}
for i = 5 + 2 * tiers, #ARGV, 2 do
  local row = #names + 1
  names[row], packed[row], records[row] = ARGV[i], ARGV[i + 1], cmsgpack.unpack(ARGV[i + 1])
end

local writes = {}
for k = 2, #KEYS do
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
  redis.call("EXPIRE", hash, ARGV[k + 3])
end
return 1
