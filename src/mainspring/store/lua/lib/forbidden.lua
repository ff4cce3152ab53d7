-- forbidden: the refusal of the first of some writes, pairs of command and key, that this user's ACL forbids.
local function forbidden(...)
  local writes = { ... }
  for i = 1, #writes, 2 do
    if not redis.acl_check_cmd(writes[i], writes[i + 1]) then
      return redis.error_reply("NOPERM it may not run " .. writes[i] .. " on " .. writes[i + 1])
    end
  end
end
