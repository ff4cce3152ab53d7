-- result: what a job gave, kept for whoever asks.
local function result_keep(root, jid, result, ttl_ms)
  local key = root .. "result:" .. jid
  redis.call("SET", key, result, "PX", ttl_ms)
end
