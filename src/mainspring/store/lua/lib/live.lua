-- live: show for a while that a clock with some code lives.
local function live(alive, ttl_ms)
  -- Could free memory, so a full server lets it run, and then the rest of the script.
  if redis.call("PEXPIRE", alive, ttl_ms) == 0 then
    redis.call("SET", alive, 1, "PX", ttl_ms)
  end
end
