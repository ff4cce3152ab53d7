"""Wrong variants of the scripts: one slip each, such as a tired engineer makes. The machine must find every one.

A mutant names its script, the text that goes and the text that comes; the latter says what is wrong.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from mainspring.store.scripts import Script, load

NOTHING = "local nothing"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One wrong variant.

    Attributes:
        slip: What is wrong, as a clause.
        script: The script.
        old: What it says, once.
        new: What the mutant says.
        needs_full: True if it shows on a full server only.
    """

    slip: str
    script: str
    old: str
    new: str
    needs_full: bool = False

    @property
    def is_of_clocks(self) -> bool:
        """Whether it is a slip in a script of periodic entries."""
        return self.script.startswith("periodic_")

    def script_of(self, name: str) -> Script:
        """Stand in for `mainspring.store.scripts.load`."""
        script = load(name)
        if name != self.script:
            return script
        source = script.source.decode()
        assert source.count(self.old) == 1, f"{self.script} says {source.count(self.old)} times: {self.old}"
        wrong = source.replace(self.old, self.new).encode()
        return Script(name, wrong, hashlib.sha1(wrong, usedforsecurity=False).hexdigest())


_NO_TOMB = 'if redis.call("EXISTS", tomb) == 1 then'
_NO_LEASE = 'if redis.call("EXISTS", lease) == 1 then'
_FENCE = 'if redis.call("HDEL", inflight, seq) == 0 then'
_UNFENCED = 'if redis.call("HDEL", inflight, seq) < 0 then'
_SUSPECT = 'redis.call("HDEL", suspect, id)'
_LISTED = 'redis.call("SADD", owners, id)'
_TURNED = "a[1] < b[1]"
_ORDER = "a[1] > b[1]"
_BACK = 'redis.call("RPUSH", queue, job[2])'

_NOT_OURS = "if lock_holder(root, digest) ~= jid then"
_IF_FREE = "if not lock_holder(root, digest) then"

MUTANTS = (
    # producers
    Mutant("a push goes to the wrong end", "job_push", '"LPUSH"', '"RPUSH"'),
    Mutant("a push does not list its queue", "job_push", 'redis.call("SADD", queues, name)', NOTHING),
    Mutant("a push that is sent again is made again", "job_push", '"EXISTS", pushed) == 1', '"EXISTS", pushed) < 0'),
    Mutant("a push for later that is sent again is noted twice", "set_add", '"SET", pushed, 1, "PX", ttl_ms', '"SET", pushed, 1'),
    # fetch
    Mutant("a repeated fetch takes other jobs", "jobs_fetch", "if id == reqid then", "if false then"),
    Mutant("the dead may fetch", "jobs_fetch", _NO_TOMB, "if false then"),
    Mutant("a fetch ignores the pause", "jobs_fetch", '"SISMEMBER", paused, name) == 1', '"EXISTS", paused) < 0'),
    Mutant("a fetch takes the newest first", "jobs_fetch", '"RPOP"', '"LPOP"'),
    Mutant("a fetch looks and does not take", "jobs_fetch", '"RPOP", queue, n', '"LRANGE", queue, -n, -1'),
    Mutant("deliveries are numbered anew", "jobs_fetch", '"INCRBY", fence, #payloads', '"LPUSH", fence, unpack(payloads)'),
    Mutant("a holder is not listed", "jobs_fetch", _LISTED, NOTHING),
    Mutant("jobs in flight fade", "jobs_fetch", _LISTED, f'{_LISTED}\nredis.call("EXPIRE", inflight, 86400)'),
    # finish
    Mutant("a success is counted by whoever says so", "jobs_done", "n = n + mine", "n = n + 1"),
    Mutant("a success leaves its job", "jobs_done", '"HDEL"', '"HEXISTS"'),
    Mutant("a day's counter stays for ever", "jobs_done", 'redis.call("EXPIRE", day, 157680000)', NOTHING),
    Mutant("an outcome is recorded by whoever says so", "job_settle", _FENCE, _UNFENCED),
    Mutant("an outcome leaves its mark", "job_settle", 'redis.call("HDEL", inflight, "_run:" .. seq)', NOTHING),
    Mutant("a snooze counts as a run", "job_settle", "if runs == 1 then", "if runs >= 0 then"),
    Mutant("each run counts as failed", "job_settle", "if fails == 1 then", "if runs == 1 then"),
    Mutant("a failure is counted as it leaves", "job_settle", 'redis.call("ZADD", set, score, payload)\nelseif', "elseif"),
    Mutant("a job is given back to the wrong end", "jobs_return", '"RPUSH", queue, payload', '"LPUSH", queue, payload'),
    Mutant("a job is given back and kept", "jobs_return", '"HDEL", inflight, seq, ', '"HEXISTS", inflight, seq .. "", '),
    Mutant("a mark needs no job", "job_mark", '"HEXISTS", inflight, seq) == 0', '"HEXISTS", inflight, seq) < 0'),
    # life and death
    Mutant("the dead may beat", "process_beat", _NO_TOMB, "if false then"),
    Mutant("a beat leaves the suspicion", "process_beat", _SUSPECT, NOTHING),
    Mutant("a beat only lengthens", "process_beat", 'redis.call("SET", lease, 1, "PX", ttl_ms)', NOTHING),
    Mutant("the living are suspected", "process_suspect", _NO_LEASE, "if false then"),
    Mutant("those who hold nothing are suspected", "process_suspect", '"SISMEMBER", owners, id) == 0', '"EXISTS", owners) < 0'),
    Mutant("the living are reclaimed", "process_reclaim", _NO_LEASE, "if false then"),
    Mutant("one look is enough", "process_reclaim", "return -2", "since = 0"),
    Mutant("the grace is ignored", "process_reclaim", "< grace_ms then", "< 0 then"),
    Mutant("the dead are not fenced", "process_reclaim", 'redis.call("SET", tomb, 1, "EX", 86400)', NOTHING),
    Mutant("a tomb stands for ever", "process_reclaim", '"SET", tomb, 1, "EX", 86400', '"SET", tomb, 1'),
    Mutant("the dead keep their jobs", "process_reclaim", '"DEL", inflight, lease', '"DEL", lease'),
    Mutant("jobs of the dead come back turned round", "process_reclaim", _ORDER, _TURNED),
    Mutant("verdicts on the dead's jobs are ignored", "process_reclaim", "changed[job[3]]", "nil"),
    Mutant("poison is buried and queued", "process_reclaim", '"ZADD", dead, now, change[2])', '"ZADD", dead, now, change[2])\n    redis.call("RPUSH", queue, change[2])'),
    Mutant("who leaves takes jobs along", "process_leave", _BACK, NOTHING),
    Mutant("who leaves stays listed", "process_leave", 'redis.call("SREM", owners, id)', NOTHING),
    # sets
    Mutant("two forwarders move a job twice", "set_forward", '"ZREM", set, ARGV[i]) == 1', '"ZREM", set, ARGV[i]) >= 0'),
    Mutant("a forwarder copies", "set_forward", '"ZREM", set, ARGV[i]) == 1', '"ZSCORE", set, ARGV[i])'),
    Mutant("two tabs move a job twice", "set_move", '"ZREM", from, old) == 0', '"ZREM", from, old) < 0'),
    Mutant("two tabs bury a job twice", "queue_move", '-1, payload) == 0 then', '-1, payload) < 0 then'),
    Mutant("what stands at another place is dropped", "queue_drop", "== ARGV[i + 1] then", "~= ARGV[i] then"),
    Mutant("what is buried from a queue is dropped", "queue_drop", 'if died ~= "" then', "if false then"),
    # locks
    Mutant("a lock is taken from its holder", "jobs_enter", "(locks[lock] or lock_holder(root, lock))", "false"),
    Mutant("a lock is not taken", "jobs_enter", "lock_hold(root, lock, jid, unique_ms)", NOTHING),
    Mutant("a lock stays for ever", "jobs_enter", ', jid, "PX", math.max(1, math.ceil(ttl_ms))', ", jid"),
    Mutant("a success keeps its lock", "jobs_finish", "finish_locks(root, gathered", "tostring(root, gathered"),
    Mutant("a success takes its successor's lock", "jobs_finish", "if held[i] == jids[i] then", "if held[i] then"),
    Mutant("a success that comes too late takes its lock", "jobs_finish", "mine, n + mine\n    if mine > 0 then", "mine, n + 1\n    if true then"),
    Mutant("a success lets go by the id of another", "jobs_finish", "sub(jids, (i - 1) * jid_width + 1, ", "sub(jids, 1, "),
    Mutant("the end of a job takes its successor's lock", "job_settle", _NOT_OURS, "if false then"),
    Mutant("the dead keep their locks", "job_settle", "if ties then", 'if ties and what ~= "dead" then'),
    Mutant("what cannot be read keeps its lock", "job_settle", 'jid == "" and ties_of(stored) or', 'jid == "" and nil or'),
    Mutant("a retry gives its lock away", "job_settle", 'if what == "failed" or what == "later" then', "if false then"),
    Mutant("what is deleted from a queue keeps its lock", "queue_remove", 'let_go(slot, root, ties, "dropped", 0, 0)', NOTHING),
    Mutant("what is picked from a queue keeps its lock", "queue_drop", "for _, ties in ipairs(all) do", "for _, ties in ipairs({}) do"),
    Mutant("what is buried from a queue keeps its lock", "queue_move", "let_go(slot, root, ties, what, score * 1000, ties_now_ms())", NOTHING),
    Mutant("what is cleared keeps its lock", "queue_sweep", 'let_go(slot, root, ties, "dropped"', 'let_go(slot, root, ties, "later"'),
    Mutant("a clearing overwrites the one before", "queue_clear", '"EXISTS", cleared) == 1', '"EXISTS", cleared) < 0'),
    Mutant("what is cleared from a set keeps its lock", "set_sweep", 'root, ties, "dropped"', 'root, ties, "later"'),
    Mutant("what is deleted from a set keeps its lock", "set_remove", 'root, all[i], "dropped"', 'root, all[i], "later"'),
    Mutant("what is buried from a set keeps its lock", "set_move", 'what ~= "again" then', 'what == "later" then'),
    Mutant("what was dead takes the lock of another", "set_forward", _IF_FREE, "if true then"),
    Mutant("what was dead goes on without its lock", "set_move", "lock_again(root, ties.lock", "tostring(root, ties.lock"),
    Mutant("poison keeps its lock", "process_reclaim", 'let_go(slot, root, ties, "dead"', 'let_go(slot, root, ties, "later"'),
    Mutant("a former holder starts a job", "lock_release", '"HEXISTS", inflight, seq) == 0', '"HEXISTS", inflight, seq) < 0'),
    Mutant("a start takes the lock of another", "lock_release", "== jid", '~= ""'),
    # ticks
    Mutant("a tick may be claimed twice", "periodic_claim", "tonumber(tick) <= math.max", "tonumber(tick) < math.max"),
    Mutant("a tick of before the entry changed may be claimed", "periodic_claim", ", tonumber(known[3]) or 0)", ")"),
    Mutant("an older tick may be claimed", "periodic_claim", "tonumber(known[2]) or 0, ", "0, "),
    Mutant("a claim is not noted", "periodic_claim", 'redis.call("HSET", entry, "last", tick)', NOTHING),
    Mutant("a tick may be claimed early", "periodic_claim", "tonumber(due) > time[1]", "0 > time[1]"),
    Mutant("a paused entry runs", "periodic_claim", "if known[4] then", "if false then"),
    Mutant("an entry runs as it was once", "periodic_claim", "known[1] ~= stamp", "not known[1]"),
    Mutant("a run is started beside one that the claimant does not know", "periodic_claim", '(known[5] or "") ~= expected', "false"),
    Mutant("a run that has ended is noted for ever", "periodic_claim", 'redis.call("HDEL", entry, "runs")', NOTHING),
    Mutant("a run is not noted", "periodic_claim", 'redis.call("HSET", entry, "runs", runs)', NOTHING),
    Mutant("a claim is not recorded", "periodic_claim", "at)\nnote(history, time, record)", "at)"),
    Mutant("a run that is sent again is made again", "periodic_push", '"EXISTS", pushed) == 1', '"EXISTS", pushed) < 0'),
    Mutant("an entry that is gone runs", "periodic_push", "if not known[1] then", "if false then"),
    Mutant("a run forgets those before", "periodic_push", 'known[2] and known[2] .. " " .. run or run', "run"),
    Mutant("a run of now counts as a tick", "periodic_push", 'at)\nnote(history', 'at)\nredis.call("HSET", entry, "last", "4000000000.000")\nnote(history'),
    # deploys
    Mutant("an old process counts again while newer ones live", "periodic_enter", '"EXISTS", theirs) == 1', '"EXISTS", theirs) < 0'),
    Mutant("code that was rolled back to never counts again", "periodic_enter", 'local follows = is_old and', "local follows = is_old or"),
    Mutant("the wrong code's sign of life decides", "periodic_enter", "current ~= seen", "false"),
    Mutant("code that counts again keeps its number", "periodic_enter", "number = number + 1", "number = tonumber(known[3]) or number + 1"),
    Mutant("whoever enters shows no sign of life", "periodic_enter", "\nlive(alive, ttl_ms)", ""),
    Mutant("code is not remembered", "periodic_enter", ', "d:" .. digest, number)', ")"),
    Mutant("a sign of life stays for ever", "periodic_poll", '"SET", alive, 1, "PX", ttl_ms', '"SET", alive, 1'),
    Mutant("a poll only lengthens a sign of life", "periodic_poll", 'redis.call("SET", alive, 1, "PX", ttl_ms)', NOTHING),
    # entries
    Mutant("any code defines", "periodic_define", "counts[1] ~= digest", "false"),
    Mutant("anybody overwrites the code's entries", "periodic_define", 'old[3] == "code" and', "false and"),
    Mutant("the code does not take an entry over", "periodic_define", "old[1] == stamp and old[3] == origin", "old[1] == stamp"),
    Mutant("an entry of newer code keeps its number", "periodic_define", 'old[4] ~= gen and { "gen", gen } or nil', "nil"),
    Mutant("a change counts as the same", "periodic_define", "old[1] == stamp", "old[2] == when"),
    Mutant("an entry that is due otherwise counts from of old", "periodic_define", "if old[2] ~= when then", "if false then"),
    Mutant("any change counts from now", "periodic_define", "if old[2] ~= when then", "if true then"),
    Mutant("the first tick of an entry is lost", "periodic_define", '"since", just_before', '"since", now'),
    Mutant("no entry begins paused", "periodic_define", 'if paused == "1" then', "if false then"),
    Mutant("there is no limit", "periodic_define", "count >= limit", "false"),
    Mutant("the limit is against changes, too", "periodic_define", "not old[1] and limit > 0", "limit > 0"),
    Mutant("each call changes something", "periodic_define", "if result > 0 then", "if result >= 0 then"),
    Mutant("no clock is told of a change", "periodic_define", '= advance(version, now_ms)', '= (redis.call("GET", version) or 0)'),
    Mutant("a version could have been given before a loss of data", "periodic_define", "math.max(now_ms, ", "("),
    Mutant("any code removes", "periodic_remove", "is_current and", ""),
    Mutant("a late clock removes what later code defined", "periodic_remove", "< number", "< number + 9"),
    Mutant("anybody removes the code's entries", "periodic_remove", 'return owner and owner ~= "code" and', "return owner and"),
    Mutant("anybody removes anything", "periodic_remove", '(origin == "*" or origin == owner)', "true"),
    Mutant("a removed entry leaves its history", "periodic_remove", '"DEL", entry, history, outcomes)', '"DEL", entry, outcomes)'),
    Mutant("a removed entry stays listed", "periodic_remove", 'redis.call("ZREM", names, each[1])', NOTHING),
    Mutant("no clock is told of a removal", "periodic_remove", "advance(version, time[1] * 1000 + math.floor(time[2] / 1000))", NOTHING),
    Mutant("a resumed entry makes up for its pause", "periodic_pause", 'on and "paused" or "since"', '"paused"'),
    Mutant("a pause that is sent again is made again", "periodic_pause", "if on == (known[2] and true or false) then", "if false then"),
    Mutant("what there is not can be paused", "periodic_pause", "if not known[1] then", "if false then"),
    Mutant("no clock is told of a pause", "periodic_pause", 'redis.call("ZADD", names, advance(version, now_ms), name)', NOTHING),
    Mutant("a full server stops the pause", "periodic_pause", 'redis.call("HDEL", entry, "paused")\n', ""),
    Mutant("a full server stops the clock", "periodic_poll", 'if redis.call("PEXPIRE", alive, ttl_ms) == 0 then', 'if redis.call("EXISTS", alive) == 0 then'),
    Mutant("a full server keeps entries", "periodic_remove", "for _, each in ipairs(gone) do", 'if #gone > 0 then redis.call("SET", version, redis.call("GET", version)) end\nfor _, each in ipairs(gone) do'),
    # a full server
    Mutant("a full server keeps what is dropped", "queue_drop", 'redis.call("LTRIM", queue, 0, -1)', NOTHING, needs_full=True),
    Mutant("a full server stops the beat", "process_beat", f"{_SUSPECT}\n{_LISTED}", f"{_LISTED}\n{_SUSPECT}", needs_full=True),
    Mutant("a full server stops the fetch", "jobs_fetch", "local payloads", 'redis.call("SET", fence, redis.call("GET", fence) or 0)\nlocal payloads', needs_full=True),
    Mutant("a full server lists a queue that it refuses", "job_push", '"LPUSH", queue', '"LPUSH", redis.call("SREM", queues, name) and queue', needs_full=True),
)  # fmt: skip
