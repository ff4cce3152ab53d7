-- gates: limits that a job passes before it runs; where one is closed, the job waits in its lane.

-- Pass all gates or none: true if the job may go to its queue, false if it was put into a lane.
local function gates_enter(slot, root, gates, jid, payload)
  return true
end

-- Give back what a job holds of its gates, and let in what waits there.
local function gates_leave(slot, root, gates, jid)
end
