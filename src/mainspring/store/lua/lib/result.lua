-- result: how a job ended, kept for whoever asks; a list of one, for which one can wait.
local function result_keep(root, jid, result, ttl_ms)
  local key = root .. "result:" .. jid
  redis.call("DEL", key)
  redis.call("RPUSH", key, result)
  -- What a stranger's job asks for may be more than the server takes.
  redis.call("PEXPIRE", key, math.min(math.max(math.floor(ttl_ms), 1), 366 * 86400 * 1000))
end
