// Preloaded: a process whose machine has a clock that is an hour ahead.
const AHEAD_MS = 3_600_000;
const now = Date.now;
Date.now = () => now() + AHEAD_MS;
