-- What relays and workers call. KEYS are the keys of logs; the target is what stands in their braces.

local LEASE_MARGIN_MS = 50

local function fail(fault, sentence)
  return redis.error_reply('ERR tidings: ' .. fault .. ': ' .. sentence)
end

-- KEYS tidings:{<target_user_id>}:log   ARGV the update, as JSON
-- Stores and tells one update, and returns its position `<epoch>.<n>`. This one is for workers.
local function publish(keys, args)
  if #keys ~= 1 or #args ~= 1 then return fail('usage', 'FCALL tidings_publish 1 tidings:{USER}:log UPDATE') end
  local fault, target, frame, id, seq, producer = read_update(args[1])
  if fault then return fail(fault, FAULTS[fault]) end
  local key = 'tidings:{' .. target .. '}:log'
  if keys[1] ~= key then return fail('key_mismatch', 'the key of the log of this user is ' .. key) end
  local ms, time = clock()
  look(ms)
  local log = open(key, time)
  return id ~= '' and known_position(log, id, ms) or add(log, ms, frame, id, seq, producer)
end

-- KEYS one a draft   ARGV deadline or 0; then four a draft: frame, id, seq, producer
-- All that can fail is done before the first write, so that all drafts are stored or none.
local function append(keys, args)
  local ms, time = clock()
  local deadline = tonumber(args[1])
  if deadline > 0 and ms > deadline then return redis.error_reply('LEASE the lease has run out') end
  look(ms)
  local logs, known, reply = {}, {}, {}
  for index = 1, #keys do
    local key, id = keys[index], args[index * 4 - 1]
    local log = logs[key] or open(key, time)
    logs[key] = log
    if id ~= '' then known[index] = known_position(log, id, ms) end
  end
  for index = 1, #keys do
    local at = index * 4 - 2
    local log, id = logs[keys[index]], args[at + 1]
    local position = known[index] or (id ~= '' and log.added and log.added[id])
    if not position then
      position = add(log, ms, args[at], id, args[at + 2], args[at + 3])
      if id ~= '' then
        log.added = log.added or {}
        log.added[id] = position
      end
    end
    reply[index] = position
  end
  return reply
end

local function positions(keys)
  local ms, time = clock()
  look(ms)
  local reply = {}
  for index = 1, #keys do
    local log = open(keys[index], time)
    if log.is_new then begin(log) else renew(log) end
    reply[index] = log.epoch .. '.' .. digits(log.n)
  end
  return reply
end

-- ARGV epoch (empty: from the oldest), number, most updates, most bytes
-- Returns {outcome, position of the newest, number of the oldest, {number, frame, hole or ''}...}.
local function read_log(keys, args)
  local ms, time = clock()
  look(ms)
  local log = open(keys[1], time)
  if log.is_new then begin(log) end
  local epoch, n, most, most_bytes = args[1], tonumber(args[2]), tonumber(args[3]), tonumber(args[4])
  local reply = read(log, ms, epoch, n, most, most_bytes)
  if reply then return reply end
  -- Somebody took entries out of the middle: what is left must not pass for whole.
  call('DEL', keys[1])
  log = open(keys[1], time)
  begin(log)
  return read(log, ms, epoch, n, most, most_bytes)
end

-- ARGV holder, milliseconds. Returns {1, deadline} where the holder has the lease, else {0, milliseconds left}.
local function lease(keys, args)
  local holder = call('GET', keys[1])
  if holder and holder ~= args[1] then return { 0, call('PTTL', keys[1]) } end
  call('SET', keys[1], args[1], 'PX', args[2])
  return { 1, (clock()) + tonumber(args[2]) - LEASE_MARGIN_MS }
end

local function release(keys, args)
  if call('GET', keys[1]) ~= args[1] then return 0 end
  return call('DEL', keys[1])
end

-- ARGV the epoch that is in doubt
-- Begins the log anew where it still is in that epoch, and with it all that were not written since this server began.
-- Several relays may doubt the same epoch: only the first one's doubt counts.
local function distrust(keys, args)
  local ms, time = clock()
  look(ms)
  if open(keys[1], time).epoch ~= args[1] then return 0 end
  trust_only_this_term()
  call('DEL', keys[1])
  begin(open(keys[1], time))
  return 1
end

-- What a relay or a worker may come to need, lest the lack of a right show when an append is half done.
local SOME_LOG = 'tidings:{*}:log'
local NEEDED = {
  { 'TIME' },
  { 'INFO', 'server' },
  { 'XADD', SOME_LOG, '1-1', 'field', '' },
  { 'XREVRANGE', SOME_LOG, '+', '-' },
  { 'XRANGE', SOME_LOG, '-', '+' },
  { 'XTRIM', SOME_LOG, 'MINID', '1' },
  { 'PEXPIRE', SOME_LOG, '1' },
  { 'DEL', SOME_LOG },
  { 'HSET', SOME_LOG, 'field', '' },
  { 'HMGET', SOME_LOG, 'field' },
  { 'GET', LINEAGE_KEY },
  { 'SET', LINEAGE_KEY, '' },
  { 'PTTL', 'tidings:ingest' },
  { 'PUBLISH', NOTICES, '' },
}

-- The library's version, where the user may do all that there is to do.
local function version()
  for _, needed in ipairs(NEEDED) do
    if not redis.acl_check_cmd(unpack(needed)) then
      return redis.error_reply('NOPERM tidings: ' .. needed[1] .. (needed[2] and ' on ' .. needed[2] or ''))
    end
  end
  look((clock()))
  return VERSION
end

local function register(name, callback, flags)
  redis.register_function({
    function_name = name,
    callback = function(keys, args)
      if not call then bind() end
      return callback(keys, args)
    end,
    flags = flags or {},
  })
end

-- `allow-oom` where next to nothing is stored: a Redis that is full can still be read and handed over.
local LIGHT = { 'allow-oom' }

register('tidings_publish', publish)
register('tidings_append', append)
register('tidings_positions', positions, LIGHT)
register('tidings_read', read_log, LIGHT)
register('tidings_lease', lease, LIGHT)
register('tidings_release', release, LIGHT)
register('tidings_distrust', distrust, LIGHT)
register('tidings_version', version, LIGHT)
