-- count_of: counts for people; what strangers have put under a name counts for nothing.
local function count_in(reply)
  return type(reply) == "number" and reply or tonumber(type(reply) == "string" and reply or 0) or 0
end

-- How many elements a list has.
local function count_of_list(key)
  return count_in(redis.pcall("LLEN", key))
end

-- What stands in a field of a hash.
local function count_of_field(key, field)
  return count_in(redis.pcall("HGET", key, field))
end

-- What stands in all fields of a hash together.
local function count_of_hash(key)
  local sum, counts = 0, redis.pcall("HVALS", key)
  for _, count in ipairs(counts.err and {} or counts) do
    sum = sum + count_in(count)
  end
  return sum
end
