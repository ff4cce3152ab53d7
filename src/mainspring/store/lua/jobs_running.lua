-- jobs_running: read jobs that run: those in flight, queue by queue, then those that only their processes show.
--
-- KEYS[1]  set     queues       every queue name ever used
-- KEYS[2]  set     processes    identities of processes
-- KEYS[3]  string  mainspring:  the beginning of keys of ours
--
-- ARGV[1]  start  the queue to begin with; empty for the first; a line feed for what only processes show
-- ARGV[2]  skip   how many of its jobs to leave out
-- ARGV[3]  count  how many to read
-- ARGV[4]  most   after so many processes, counted for each queue, it goes on to no other queue
--
-- Returns  {start, skip, {queue, holder, job, skip, ...}, {work, ...}}  where to go on, an empty start at the end; jobs,
--          each with what to leave out after it, with no queue if it is what a process shows; and what the processes
--          show that hold jobs of these

local queues, processes, root = KEYS[1], KEYS[2], KEYS[3]
local start, skip, count, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

local prefix, others = string.sub(root, 1, -1 - string.len("mainspring:")), "\n"
local names, found, n, looked, shown = redis.call("SMEMBERS", queues), {}, 0, 0, {}
table.sort(names)

local function note(queue, holder, job, place)
  n = n + 1
  for _, each in ipairs({ queue, holder, job, place }) do
    found[#found + 1] = each
  end
end

local function process_of(holder)
  return string.match(holder, "^(.*:[^:.]*)") or holder
end

local function work_of(identity)
  local work = prefix .. identity .. ":work"
  local found = redis.call("HVALS", work)
  table.sort(found)
  return found
end

local function held(key)
  local seqs = {}
  for _, field in ipairs(redis.call("HKEYS", key)) do
    if string.sub(field, 1, 1) ~= "_" then
      seqs[#seqs + 1] = field
    end
  end
  table.sort(seqs, function(one, other)
    return (tonumber(one) or 0) < (tonumber(other) or 0)
  end)
  return seqs
end

-- Read jobs of one queue; returns how many of it were passed, and whether all were.
local function read(queue, holders, passed)
  local place = 0
  for _, holder in ipairs(holders) do
    local key = prefix .. "{queue:" .. queue .. "}:p:" .. holder
    for _, seq in ipairs(held(key)) do
      place = place + 1
      if place > passed and n == count then
        return passed, false
      elseif place > passed then
        passed, shown[process_of(holder)] = place, true
        note(queue, holder, redis.call("HGET", key, seq), place)
      end
    end
  end
  return passed, true
end

local function holders_of(queue)
  local owners = prefix .. "{queue:" .. queue .. "}:owners"
  return redis.call("SMEMBERS", owners)
end

local next_start, next_skip = others, start == others and skip or 0
for _, queue in ipairs(start ~= others and names or {}) do
  if queue >= start and next_start == others then
    local passed, is_done = queue == start and skip or 0, false
    if looked < most then
      local holders = holders_of(queue)
      table.sort(holders)
      passed, is_done = read(queue, holders, passed)
      looked = looked + #holders
    end
    if not is_done then
      next_start, next_skip = queue, passed
    end
  end
end

-- What holds nothing of ours keeps its jobs to itself, as Ruby's processes do.
local function theirs()
  local ours, known = {}, {}
  for _, queue in ipairs(names) do
    for _, holder in ipairs(holders_of(queue)) do
      if not known[holder] then
        known[holder], ours[process_of(holder)] = true, true
      end
    end
  end
  local place, passed, identities = 0, next_skip, redis.call("SMEMBERS", processes)
  table.sort(identities)
  for _, identity in ipairs(identities) do
    for _, each in ipairs(ours[identity] and {} or work_of(identity)) do
      place = place + 1
      if place > passed and n == count then
        return others, passed
      elseif place > passed then
        passed = place
        note("", identity, each, place)
      end
    end
  end
  return "", 0
end

if next_start == others then
  next_start, next_skip = theirs()
end
local works = {}
for identity in pairs(shown) do
  for _, each in ipairs(work_of(identity)) do
    works[#works + 1] = each
  end
end
return { next_start, next_skip, found, works }
