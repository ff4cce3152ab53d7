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

local function unpacked(packed)
  local good, record = pcall(cmsgpack.unpack, packed)
  return good and record or nil
end

local function sum(old, new)
  local place = {}
  for i = 4, #old, 2 do
    place[old[i]] = i + 1
  end
  local found = {}
  for i, value in ipairs(old) do
    found[i] = value + 0
  end
  for i = 1, 3 do
    found[i] = found[i] + new[i]
  end
  for i = 4, #new, 2 do
    local at = place[new[i]]
    if at then
      found[at] = found[at] + new[i + 1]
    else
      found[#found + 1], found[#found + 2] = new[i], new[i + 1]
    end
  end
  return found
end

-- What stands there was written by somebody: it must not stop what comes.
local function added(old, new)
  local good, found = pcall(sum, old, new)
  return good and found or new
end

if redis.call("EXISTS", flushed) == 1 then
  return 0
end

local tiers = (#KEYS - 1) / 2
local rows, names, records = 4 + 2 * tiers, {}, {}
for i = rows + 1, #ARGV, 2 do
  names[#names + 1], records[#records + 1] = ARGV[i], cmsgpack.unpack(ARGV[i + 1])
end

local writes = {}
for k = 2, #KEYS do
  local hash, first, last = KEYS[k], 1, jobs
  if k > tiers + 1 then
    first, last = jobs + 1, #names
  end
  if first <= last then
    local room = most - redis.call("HLEN", hash)
    local old, staged, order = redis.call("HMGET", hash, others, unpack(names, first, last)), {}, {}
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
      if not staged[name] then
        order[#order + 1], staged[name] = name, known and unpacked(known) or { 0, 0, 0 }
      end
      staged[name] = added(staged[name], records[i])
    end
    local fields = {}
    for _, name in ipairs(order) do
      fields[#fields + 1], fields[#fields + 2] = name, cmsgpack.pack(staged[name])
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
