-- note: write a record at the head of an entry's history, of which the newest hundred stay.
local function note(history, time, record)
  if record ~= "" then
    redis.call("LPUSH", history, string.format("%d.%06d ", time[1], time[2]) .. record)
    redis.call("LTRIM", history, 0, 99)
  end
end
