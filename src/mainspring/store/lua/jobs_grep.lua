-- jobs_grep: read those jobs of a part of a set or list that have some words in their bytes.
--
-- KEYS[1]  string  queue:<name>, schedule, retry, dead or mainspring:lane:<gate>  jobs
--
-- ARGV[1]     kind   zset: by score, upward; dead: by score, downward; list: from the tail; scan: in no order, each
--                    that is there all the while
-- ARGV[2]     from   of a set the score to begin with, or of a scan its cursor; of a list nothing
-- ARGV[3]     skip   how many of those that have this score, or of all, to leave out
-- ARGV[4]     count  how many to look at
-- ARGV[5]     folds  1 if the case of letters does not matter; the words are in lower case then
-- ARGV[6...]  word   of those up to an empty one, any will do; of each such group one must stand in the job
--
-- Returns  {looked, from, skip, {place, from, skip, job, score, ...}}  where to go on after all that was looked at, and
--          of each job that was found its place among these, where to go on after it, itself, and its score, if any

local key = KEYS[1]
local kind, from, skip, count, folds = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5] == "1"

local groups, group = {}, {}
for i = 6, #ARGV do
  if ARGV[i] == "" then
    groups[#groups + 1], group = group, {}
  else
    group[#group + 1] = ARGV[i]
  end
end

local function has_one(text, words)
  for _, word in ipairs(words) do
    if string.find(text, word, 1, true) then
      return true
    end
  end
  return false
end

local function fits(job)
  local text = folds and #groups > 0 and string.lower(job) or job
  for _, words in ipairs(groups) do
    if not has_one(text, words) then
      return false
    end
  end
  return true
end

local found, looked = {}, 0
local function note(job, score)
  looked = looked + 1
  if fits(job) then
    for _, each in ipairs({ looked - 1, from, skip, job, score }) do
      found[#found + 1] = each
    end
  end
end

if kind == "list" then
  local jobs = redis.call("LRANGE", key, -skip - count, -skip - 1)
  for i = #jobs, 1, -1 do
    skip = skip + 1
    note(jobs[i], "")
  end
elseif kind == "scan" then
  local part = redis.call("ZSCAN", key, from, "COUNT", count)
  from = part[1]
  for i = 1, #part[2], 2 do
    note(part[2][i], part[2][i + 1])
  end
else
  local flat
  if kind == "dead" then
    flat = redis.call("ZREVRANGEBYSCORE", key, from, "-inf", "WITHSCORES", "LIMIT", skip, count)
  else
    flat = redis.call("ZRANGEBYSCORE", key, from, "+inf", "WITHSCORES", "LIMIT", skip, count)
  end
  for i = 1, #flat, 2 do
    -- What has the same score stands in the order of its bytes, and is counted.
    skip = flat[i + 1] == from and skip + 1 or 1
    from = flat[i + 1]
    note(flat[i], from)
  end
end
return { looked, from, skip, found }
