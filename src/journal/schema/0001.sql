-- Flows by their ids, so that a run's row holds a small number.
CREATE TABLE flows (
    no INTEGER PRIMARY KEY,
    flow TEXT NOT NULL UNIQUE
) STRICT;

-- What many runs have in common.
CREATE TABLE origins (
    no INTEGER PRIMARY KEY,
    flow INTEGER NOT NULL,
    name TEXT NOT NULL,
    revision TEXT NOT NULL,
    trigger TEXT NOT NULL,
    mode INTEGER NOT NULL,
    UNIQUE (flow, revision, trigger, mode, name)
) STRICT;

-- One row a run. Times in nanoseconds since 1970. outcome: 0 succeeded, 1 failed, 2 cancelled. failure: JSON, words cut.
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    flow INTEGER NOT NULL,
    origin INTEGER NOT NULL,
    accepted INTEGER NOT NULL,
    delivery TEXT,
    parent INTEGER,
    parent_step TEXT,
    parked INTEGER NOT NULL,
    steps INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    finished INTEGER,
    outcome INTEGER,
    failure TEXT
) STRICT;
CREATE INDEX runs_flow ON runs (flow);
CREATE INDEX runs_open ON runs (parked) WHERE finished IS NULL;
CREATE INDEX runs_failed ON runs (flow) WHERE outcome = 1;
CREATE UNIQUE INDEX runs_delivery ON runs (flow, delivery) WHERE delivery IS NOT NULL;

-- One row an append. id: the run's id times 2^24 plus the append's number within the run, so that a run's appends lie together
-- and need no index. entries: a JSON array, zstd where that is smaller; exchanges: likewise, in a form of their own.
CREATE TABLE appends (
    id INTEGER PRIMARY KEY,
    steps INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    entries BLOB NOT NULL,
    exchanges BLOB
) STRICT;

-- Flow documents by content hash.
CREATE TABLE revisions (
    no INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    flow BLOB NOT NULL
) STRICT;

-- Small values that others keep here: how far a trigger has read.
CREATE TABLE state (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;

-- Numbers about the journal itself. next_run: below it no id is given out again. removing: a run whose head is gone and of which
-- some appends are left.
CREATE TABLE marks (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
