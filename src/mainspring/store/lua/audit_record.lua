-- audit_record: note who did what.
--
-- KEYS[1]  stream  mainspring:audit  entries
--
-- ARGV[1]  by        who
-- ARGV[2]  action    did what
-- ARGV[3]  resource  with what
-- ARGV[4]  facts     more of it, as a JSON object
--
-- Returns  1  noted
-- include: lib/forbidden.lua
-- include: lib/audit.lua

local audit = KEYS[1]
local by, action, resource, facts = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

-- An ACL that forbids one of these is met before the first write, lest an entry stays for ever.
local refusal = forbidden("XADD", audit, "PEXPIRE", audit)
if refusal then
  return refusal
end
audit_note(audit, by, action, resource, facts)
return 1
