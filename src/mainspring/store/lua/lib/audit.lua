-- audit: who did what; the newest ten thousand entries or a little more, until half a year after the last.
local function audit_note(audit, by, action, resource, facts)
  -- Could free memory, so a full server lets the rest run: what was done is not to go unseen.
  redis.call("PEXPIRE", audit, 15552000000)
  redis.call(
    "XADD", audit, "MAXLEN", "~", 10000, "*", "by", by, "action", action, "resource", resource, "facts", facts
  )
  redis.call("PEXPIRE", audit, 15552000000)
end
