-- Decimals are TEXT, times are milliseconds since 1970 (UTC) in INTEGER columns named *_ms.

CREATE TABLE instruments (
    id TEXT PRIMARY KEY,                    -- venue:SYMBOL
    venue TEXT NOT NULL,
    symbol TEXT NOT NULL,
    body TEXT NOT NULL,                     -- Instrument as JSON
    updated_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX instruments_by_venue ON instruments (venue, symbol);

CREATE TABLE watermarks (                   -- the newest archived bar of a symbol
    venue TEXT NOT NULL,
    symbol TEXT NOT NULL,
    interval TEXT NOT NULL,
    open_time_ms INTEGER NOT NULL,
    first_open_time_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    PRIMARY KEY (venue, symbol, interval)
) STRICT, WITHOUT ROWID;

CREATE TABLE markets (                      -- how far the newest ingest came
    venue TEXT NOT NULL,
    interval TEXT NOT NULL,
    market_ms INTEGER NOT NULL,             -- the venue's clock
    complete INTEGER NOT NULL,              -- 1: whatever had closed by then is archived
    at_ms INTEGER NOT NULL,                 -- wall time of that
    ended INTEGER NOT NULL DEFAULT 0,       -- 1: nothing will close any more
    PRIMARY KEY (venue, interval)
) STRICT, WITHOUT ROWID;

CREATE TABLE gaps (                         -- bars that a symbol should have and lacks
    venue TEXT NOT NULL,
    symbol TEXT NOT NULL,
    interval TEXT NOT NULL,
    from_ms INTEGER NOT NULL,
    to_ms INTEGER NOT NULL,                 -- open time of the last missing bar
    attempts INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'filled', 'empty')),
    updated_ms INTEGER NOT NULL,
    PRIMARY KEY (venue, symbol, interval, from_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE archive_objects (              -- where in R2 which bars lie
    key TEXT PRIMARY KEY,
    venue TEXT NOT NULL,
    interval TEXT NOT NULL,
    day TEXT NOT NULL,                      -- market date (UTC) of the newest bar, YYYY-MM-DD
    from_ms INTEGER NOT NULL,
    to_ms INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    compacted INTEGER NOT NULL DEFAULT 0,
    created_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX archive_objects_by_time ON archive_objects (venue, interval, to_ms);
CREATE INDEX archive_objects_by_day ON archive_objects (venue, interval, day, compacted);

CREATE TABLE brain_state (                  -- what the brain learnt; changed by compare-and-set on version
    scope TEXT PRIMARY KEY,                 -- desk name
    version INTEGER NOT NULL,
    writer TEXT NOT NULL,                   -- who wrote this version: what else it writes depends on it
    as_of_ms INTEGER NOT NULL,              -- close of the newest bar it has seen
    body TEXT NOT NULL,
    updated_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE brain_state_rest (             -- what of the body does not fit its row; written with it
    scope TEXT NOT NULL,
    part INTEGER NOT NULL,                  -- 1, 2, ... in the order they follow the body
    body TEXT NOT NULL,
    PRIMARY KEY (scope, part)
) STRICT, WITHOUT ROWID;

CREATE TABLE signals (
    id TEXT NOT NULL,                       -- the same for every desk that runs the strategy
    desk TEXT NOT NULL,
    venue TEXT NOT NULL,
    symbol TEXT NOT NULL,
    strategy TEXT NOT NULL,
    action TEXT NOT NULL,
    side TEXT NOT NULL,
    score REAL NOT NULL,
    bar_close_ms INTEGER NOT NULL,
    body TEXT NOT NULL,                     -- Signal as JSON
    proposal TEXT,                          -- Proposal as JSON, what the desk was asked
    outcome TEXT NOT NULL DEFAULT 'pending',-- pending | intended | duplicate | refused | stale
    code TEXT,                              -- why it was refused
    client_id TEXT,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (desk, id)
) STRICT;
CREATE INDEX signals_newest ON signals (created_ms, id);
CREATE INDEX signals_pending ON signals (desk, outcome) WHERE outcome = 'pending';

CREATE TABLE desks (
    desk TEXT PRIMARY KEY,
    venue TEXT NOT NULL,
    currency TEXT NOT NULL,
    mode TEXT NOT NULL,
    opened_ms INTEGER NOT NULL,
    fingerprint TEXT NOT NULL DEFAULT '',   -- of what the desk was last opened with
    as_of_seq INTEGER NOT NULL DEFAULT 0,   -- the outbox has brought everything up to here
    status TEXT NOT NULL DEFAULT '',        -- as the last tick found it: active, reducing, halted, unreachable
    codes TEXT NOT NULL DEFAULT '[]',       -- JSON: why it is not active
    status_ms INTEGER                       -- since when it was found so
) STRICT;

CREATE TABLE journal (
    desk TEXT NOT NULL,
    seq INTEGER NOT NULL,
    v INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (desk, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX journal_account ON journal (desk, seq) -- the few events about the account itself
WHERE kind IN ('halted', 'resume_requested', 'resume_expired', 'resumed', 'reduced', 'reduction_lifted',
    'protections_changed', 'venue_lost', 'venue_back', 'difference_found', 'difference_resolved', 'fill_found',
    'ledger_adjusted', 'arm_requested', 'armed', 'disarmed');

CREATE TABLE orders (
    desk TEXT NOT NULL,
    client_id TEXT NOT NULL,
    instrument TEXT NOT NULL,
    side TEXT NOT NULL,
    status TEXT NOT NULL,
    body TEXT NOT NULL,                     -- Order as JSON
    intended_seq INTEGER NOT NULL,
    updated_seq INTEGER NOT NULL,
    PRIMARY KEY (desk, client_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX orders_newest ON orders (desk, intended_seq);

CREATE TABLE fills (
    desk TEXT NOT NULL,
    seq INTEGER NOT NULL,
    fill_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    instrument TEXT NOT NULL,
    side TEXT NOT NULL,
    qty TEXT NOT NULL,
    price TEXT NOT NULL,
    fee TEXT NOT NULL,
    fee_asset TEXT NOT NULL,
    ts_ms INTEGER NOT NULL,
    PRIMARY KEY (desk, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE equity (                       -- one point per desk and market time; of days long past only the last
    desk TEXT NOT NULL,
    market_ms INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    equity TEXT NOT NULL,
    cash TEXT NOT NULL,
    open_positions INTEGER NOT NULL,
    PRIMARY KEY (desk, market_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE keys (
    prefix TEXT PRIMARY KEY,
    hash TEXT NOT NULL,                     -- HMAC-SHA256 of the whole key with the secret KEY_PEPPER, hex
    role TEXT NOT NULL CHECK (role IN ('viewer', 'trader', 'admin')),
    desks TEXT NOT NULL,                    -- JSON list of desk names, or ["*"]
    label TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    revoked_ms INTEGER
) STRICT;

CREATE TABLE idempotency (                  -- of requests that change something outside a desk
    key TEXT NOT NULL,
    caller TEXT NOT NULL,                   -- key prefix
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (caller, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE job_runs (
    id TEXT PRIMARY KEY,
    job TEXT NOT NULL,
    scope TEXT NOT NULL,                    -- venue or desk it ran for, or ''
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'skipped')),
    requested_by TEXT NOT NULL,             -- 'cron' or a key prefix
    queued_ms INTEGER NOT NULL,
    started_ms INTEGER,
    ended_ms INTEGER,
    counts TEXT NOT NULL DEFAULT '{}',      -- JSON: what it did
    operations TEXT NOT NULL DEFAULT '{}',  -- JSON: platform operations it cost
    error TEXT
) STRICT;
CREATE INDEX job_runs_newest ON job_runs (queued_ms, id);
CREATE INDEX job_runs_running ON job_runs (job, scope) WHERE state = 'running';
CREATE INDEX job_runs_queued ON job_runs (queued_ms) WHERE state = 'queued';
CREATE INDEX job_runs_failed ON job_runs (job) WHERE state = 'failed';

CREATE TABLE backtests (                    -- what was asked for, and how far it is
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,                    -- key prefix
    request TEXT NOT NULL,                  -- BacktestOrder as JSON
    state TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    runs INTEGER NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,        -- runs that are over, however they ended
    best INTEGER,                           -- number of the best run
    verdict TEXT,                           -- JSON: what the best one is worth, given how many were tried
    code TEXT,                              -- why it failed
    error TEXT,
    created_ms INTEGER NOT NULL,
    started_ms INTEGER,                     -- since when its bars are there
    ended_ms INTEGER
) STRICT;
CREATE INDEX backtests_newest ON backtests (created_ms, id);
CREATE INDEX backtests_by_owner ON backtests (owner, created_ms, id);
CREATE INDEX backtests_open ON backtests (created_ms) WHERE state IN ('queued', 'running');

CREATE TABLE backtest_runs (                -- one set of parameters each
    backtest TEXT NOT NULL,
    number INTEGER NOT NULL,                -- from 1
    params TEXT NOT NULL,                   -- JSON: what the sweep sets
    state TEXT NOT NULL DEFAULT 'queued'
        CHECK (state IN ('queued', 'running', 'done', 'refused', 'failed', 'cancelled')),
    score REAL,                             -- what it is ranked by, the larger the better
    summary TEXT,                           -- JSON: metrics, fingerprint, moments
    code TEXT,                              -- why it was refused or failed
    error TEXT,
    started_ms INTEGER,
    ended_ms INTEGER,
    PRIMARY KEY (backtest, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE leases (                       -- no job overlaps itself
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE alerts (                       -- what a person has to know
    id TEXT PRIMARY KEY,
    desk TEXT NOT NULL,                     -- '' where it is about none
    seq INTEGER,                            -- of the desk's event that it says; NULL for one raised elsewhere
    severity TEXT NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    code TEXT NOT NULL,
    dedupe_key TEXT NOT NULL,
    channel TEXT,                           -- only to this one; NULL: as ALERTS routes its severity
    body TEXT NOT NULL,                     -- Alert as JSON
    at_ms INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'delivered', 'unreached', 'suppressed', 'recorded')),
    reason TEXT,                            -- why it is unreached
    same_as TEXT,                           -- the alert that had said so already, of a suppressed one
    tries INTEGER NOT NULL DEFAULT 0,
    due_ms INTEGER                          -- when it is tried (again); NULL: not any more
) STRICT;
CREATE UNIQUE INDEX alerts_by_event ON alerts (desk, seq) WHERE seq IS NOT NULL;
CREATE INDEX alerts_newest ON alerts (at_ms, id);
CREATE INDEX alerts_due ON alerts (due_ms) WHERE due_ms IS NOT NULL;
CREATE INDEX alerts_by_key ON alerts (dedupe_key, at_ms);
CREATE INDEX alerts_same_as ON alerts (same_as) WHERE same_as IS NOT NULL;
CREATE INDEX alerts_unreached ON alerts (at_ms) WHERE state = 'unreached';

CREATE TABLE alert_attempts (               -- what each channel answered
    alert_id TEXT NOT NULL,
    channel TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    ok INTEGER NOT NULL CHECK (ok IN (0, 1)),
    status INTEGER,                         -- of HTTP; NULL without an answer
    detail TEXT NOT NULL,                   -- without secrets
    rest_until_ms INTEGER                   -- the service asked to be left alone until then
) STRICT;
CREATE INDEX alert_attempts_by_alert ON alert_attempts (alert_id);
CREATE INDEX alert_attempts_by_time ON alert_attempts (at_ms, channel);
