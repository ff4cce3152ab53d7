-- inflight: the jobs of an in-flight hash as {seq, payload}, newest first; fields that begin with _ are no jobs.
local function newest_first(inflight)
  local flat, jobs = redis.call("HGETALL", inflight), {}
  for i = 1, #flat, 2 do
    local seq = tonumber(flat[i])
    if seq then
      jobs[#jobs + 1] = { seq, flat[i + 1], flat[i] }
    end
  end
  table.sort(jobs, function(a, b) return a[1] > b[1] end)
  return jobs
end
