-- batch: what became of the jobs of a batch, each counted once, by its number.

-- Note what became of one job of a batch.
local function batch_step(root, bid, n, jid, what)
end
