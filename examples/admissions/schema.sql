-- The office's rules, where no program can walk around them.
--
-- Jobs run at least once, so each of them may come twice. What must not happen twice is therefore
-- a constraint here, and a job that comes again finds its work done.

PRAGMA journal_mode = WAL;  -- the desk, the workers and the clock read while one of them writes

CREATE TABLE applications (
    id          INTEGER PRIMARY KEY,
    applicant   TEXT NOT NULL,
    email       TEXT NOT NULL UNIQUE,  -- one application for each applicant
    programme   TEXT NOT NULL,
    statement   TEXT NOT NULL,
    deadline    REAL NOT NULL,         -- unix seconds; the office decides before, or rejects after
    outcome     TEXT CHECK (outcome IN ('offered', 'rejected')),
    decided_at  REAL,
    CHECK ((outcome IS NULL) = (decided_at IS NULL)),
    CHECK (outcome IS NOT 'rejected' OR decided_at >= deadline),  -- nobody is rejected early
    CHECK (outcome IS NOT 'offered' OR decided_at < deadline)     -- nobody is accepted late
) STRICT;

CREATE INDEX undecided ON applications (deadline) WHERE outcome IS NULL;

CREATE TRIGGER a_decision_is_final
BEFORE UPDATE OF outcome, decided_at ON applications WHEN old.outcome IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'a decision is final');
END;

-- What was decided, in the order in which it was: the auditor's copy.
CREATE TABLE decisions (
    application_id  INTEGER NOT NULL REFERENCES applications (id),
    outcome         TEXT NOT NULL,
    decided_at      REAL NOT NULL
) STRICT;

CREATE TRIGGER decisions_are_recorded
AFTER UPDATE OF outcome ON applications
BEGIN
    INSERT INTO decisions VALUES (new.id, new.outcome, new.decided_at);
END;

-- "references" is a word of SQL.
CREATE TABLE recommendations (
    application_id  INTEGER PRIMARY KEY REFERENCES applications (id),  -- one for each application
    grade           INTEGER NOT NULL CHECK (grade BETWEEN 1 AND 5),
    text            TEXT NOT NULL
) STRICT;

CREATE TABLE mails (
    id              INTEGER PRIMARY KEY,
    key             TEXT NOT NULL UNIQUE,  -- what the mail is about; its Message-ID is made of it
    kind            TEXT NOT NULL CHECK (kind IN ('offer', 'rejection', 'reminder', 'digest')),
    application_id  INTEGER REFERENCES applications (id),
    recipient       TEXT NOT NULL,
    subject         TEXT NOT NULL,
    body            TEXT NOT NULL,
    claimed_by      TEXT,                  -- the jid of the job that is sending it
    claimed_at      REAL,
    sent_at         REAL,
    CHECK ((kind = 'digest') = (application_id IS NULL)),
    CHECK ((claimed_by IS NULL) = (claimed_at IS NULL)),
    CHECK (sent_at IS NULL OR claimed_at IS NOT NULL)
) STRICT;

-- An applicant is told of one decision, and reminded once.
CREATE UNIQUE INDEX one_decision ON mails (application_id) WHERE kind IN ('offer', 'rejection');
CREATE UNIQUE INDEX one_reminder ON mails (application_id) WHERE kind = 'reminder';

CREATE VIRTUAL TABLE search USING fts5 (applicant, programme, statement);  -- rowid = application
