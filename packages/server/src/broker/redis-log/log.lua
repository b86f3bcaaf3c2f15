-- The log of one target is the stream `tidings:{<target>}:log`; before its first update a string with its name. An entry's id is `<number>-<time in ms>`. Its first
-- field is NAMED `<epoch>~<term>`, because a stream stores a name that repeats only once, and holds the frame. Then:
--   b  bytes of all frames ever appended to the log, so that what it holds is a difference
--   w  the windows in which updates had ids, with commas between them   i  the update's own id
--   s  counters of producers, `<seq> <producer>` a line, latest first   g  the hole just before the update
-- b, w and s go from entry to entry, so the newest one says all there is to know, and no other key can get lost.

local EPOCH_LENGTH, TERM_LENGTH = 10, 8
local LINEAGE_KEY, NOTICES = 'tidings:lineage', 'tidings:log'
-- How long it may take to notice that this server became another's successor, in milliseconds.
local LOOK_MS = 10
local MOST_TERMS, MOST_PRODUCERS = 8, 8
local TRIM_EVERY, PAGE = 16, 16
local LARGE_FRAME = BYTES / 64
-- The life of a key is renewed at most once in each span of this length, and outlasts TTL_MS by as much.
local RENEWAL_MS = (TTL_MS - TTL_MS % 16) / 16 + 1
local IDS_LIFE_MS = WINDOW_MS * 2
-- As long as a digest, in bytes.
local LONG_ID = 40

-- Whole numbers as text, exactly up to 2^53.
local function digits(number)
  return format('%d', number)
end

local function clock()
  local time = call('TIME')
  return time[1] * 1000 + floor(time[2] / 1000), time
end

-- TERMS ---------------------------------------------------------------------------------------------------------------
-- A term is a stretch of time in which one server wrote and lost nothing: its replication id, which changes at each
-- start and at each promotion. `trusted` has the terms whose entries are known to be complete. It is kept in one key,
-- the losing of which makes logs begin anew without need, and never the other way round.

local term, trusted, looked_at = nil, {}, 0

local function keep_lineage(run, terms)
  trusted = {}
  for known in gmatch(terms, '%x+') do trusted[known] = true end
  redis.pcall('SET', LINEAGE_KEY, run .. ' ' .. terms)
end

local function run_id()
  return match(call('INFO', 'server'), 'run_id:(%x+)')
end

local function look(ms)
  if term and ms >= looked_at and ms < looked_at + LOOK_MS then return end
  looked_at = ms
  local replication = call('INFO', 'replication')
  local current = sub(match(replication, 'master_replid:(%x+)'), 1, TERM_LENGTH)
  if current == term then return end
  local run, terms = match(call('GET', LINEAGE_KEY) or '', '^(%x+) (.+)$')
  local this_run = run_id()
  local has_file = find(call('INFO', 'persistence'), 'aof_enabled:1', 1, true)
  -- Set once all that can fail is done: a term without its lineage would make every log begin anew.
  term = current
  if terms and find(terms, current, 1, true) == 1 then return keep_lineage(run, terms) end
  local was_replica = find(match(replication, 'master_replid2:(%x+)'), '[^0]')
  -- A replica that took over may lack what its master had taken; a server that began without its append-only file has
  -- what a snapshot had, or nothing.
  if not terms or was_replica or not (has_file or run == this_run) then return keep_lineage(this_run, current) end
  keep_lineage(this_run, sub(current .. ' ' .. terms, 1, MOST_TERMS * (TERM_LENGTH + 1) - 1))
end

local function trust_only_this_term()
  keep_lineage(run_id(), term)
end

-- OPENING -------------------------------------------------------------------------------------------------------------

local function read_id(id)
  local dash = find(id, '-', 1, true)
  return tonumber(sub(id, 1, dash - 1)), tonumber(sub(id, dash + 1))
end

local function read_entry(entry)
  local fields = entry[2]
  local n, ms = read_id(entry[1])
  local read = { n = n, ms = ms, name = fields[1], frame = fields[2] }
  for index = 3, #fields, 2 do read[fields[index]] = fields[index + 1] end
  read.b = tonumber(read.b)
  return read
end

-- What is known of the log: its newest entry's state, or a new epoch that `begin` or an append makes true.
local function open(key, time)
  local found = redis.pcall('XREVRANGE', key, '+', '-', 'COUNT', 1)
  if found.err and not find(found.err, 'WRONGTYPE', 1, true) then error(found) end
  local newest = found[1]
  local fields = newest and newest[2] or {}
  -- What is no stream is a log that has no update yet; or nothing of ours, in the place of which a log begins.
  local name = found.err and redis.pcall('GET', key) or fields[1]
  if type(name) ~= 'string' then name = '' end
  local wrote = sub(name, EPOCH_LENGTH + 2)
  if trusted[wrote] then
    local epoch = sub(name, 1, EPOCH_LENGTH)
    if wrote ~= term then name = epoch .. '~' .. term end
    local log = { key = key, epoch = epoch, name = name, n = 0, b = 0, ms = 0, is_stream = newest ~= nil }
    if newest then
      log.n, log.ms = read_id(newest[1])
      log.b = tonumber(fields[4])
    end
    for index = 5, #fields, 2 do log[fields[index]] = fields[index + 1] end
    return log
  end
  local origin = table.concat({ key, time[1], time[2], term }, ' ')
  local epoch = sub(redis.sha1hex(origin), 1, EPOCH_LENGTH)
  return { key = key, epoch = epoch, name = epoch .. '~' .. term, n = 0, b = 0, ms = 0, is_new = true, is_stream = false }
end

local function renew(log)
  call('PEXPIRE', log.key, TTL_MS + RENEWAL_MS)
end

-- Makes a new log stand in the place of whatever was there. Until its first update it is a string with its name: a
-- stream takes 4 KiB from its first entry on, and most of those who connect get no update.
local function begin(log)
  call('SET', log.key, log.name, 'PX', TTL_MS + RENEWAL_MS)
  log.is_new = false
end

-- BOUNDS --------------------------------------------------------------------------------------------------------------

local function is_held(log, entry, ms)
  return entry.ms > ms - TTL_MS and log.b - entry.b + #entry.frame <= BYTES
end

-- Removes what is over the bounds, but never the newest entry, and returns the number of the oldest that is left.
local function trim(log, ms)
  local first, step = math.max(log.n - UPDATES + 1, 1), 1
  local is_settled = false
  while first < log.n and not is_settled do
    local entries = call('XRANGE', log.key, digits(first) .. '-0', '+', 'COUNT', step)
    if #entries == 0 then break end
    for index = 1, #entries do
      local entry = read_entry(entries[index])
      first = entry.n
      is_settled = first >= log.n or is_held(log, entry, ms)
      if is_settled then break end
      first = first + 1
    end
    step = PAGE
  end
  call('XTRIM', log.key, 'MINID', '=', digits(first) .. '-0')
  return first
end

-- The number of the oldest update that counts as held; one more than the newest where none does.
local function first_held(log, ms)
  if log.n == 0 then return 1 end
  local entry = read_entry(call('XRANGE', log.key, '1-0', '+', 'COUNT', 1)[1])
  local first = entry.n
  if first <= log.n - UPDATES or not is_held(log, entry, ms) then first = trim(log, ms) end
  if first == log.n and log.ms <= ms - TTL_MS then return first + 1 end
  return first
end

-- IDS -----------------------------------------------------------------------------------------------------------------
-- The ids of one window of time are the fields of a hash, which vanishes by itself. The empty field says that the hash
-- is whole: where it is missing though the log speaks of the window, the hash was evicted and is made from the log.

local function ids_key(log, window)
  return sub(log.key, 1, -4) .. 'ids:' .. window
end

-- What an id is remembered as, so that what it costs has a bound.
local function id_name(id)
  return #id > LONG_ID and redis.sha1hex(id) or id
end

local function remember(log, window, id, position)
  local key = ids_key(log, window)
  local added = id and call('HSET', key, '', '', id_name(id), position) or call('HSET', key, '', '')
  -- Two fields are new where the hash is, and one at most where it is not.
  if added == 2 or not id then call('PEXPIRE', key, IDS_LIFE_MS) end
end

local function restore_ids(log, window)
  remember(log, window)
  local from = '1-0'
  while true do
    local entries = call('XRANGE', log.key, from, '+', 'COUNT', PAGE)
    for index = 1, #entries do
      local entry = read_entry(entries[index])
      if entry.i and floor(entry.ms / WINDOW_MS) == tonumber(window) then
        remember(log, window, entry.i, log.epoch .. '.' .. digits(entry.n))
      end
      from = '(' .. entries[index][1]
    end
    if #entries < PAGE then return end
  end
end

-- The windows of which ids are still remembered, this one among them where `adds`; nil where there are none.
local function windows_after(windows, current, adds)
  local this = digits(current)
  if windows == this or not (windows or adds) then return windows end
  local kept, has_this = {}, false
  for window in gmatch(windows or '', '%d+') do
    if tonumber(window) >= current - 1 then
      kept[#kept + 1] = window
      has_this = has_this or window == this
    end
  end
  if adds and not has_this then kept[#kept + 1] = this end
  return kept[1] and table.concat(kept, ',')
end

-- The position under which the log knows the id, or nil.
local function known_position(log, id, ms)
  for window in gmatch(windows_after(log.w, floor(ms / WINDOW_MS)) or '', '%d+') do
    local key = ids_key(log, window)
    local found = call('HMGET', key, id_name(id), '')
    if not found[2] then
      restore_ids(log, window)
      found = call('HMGET', key, id_name(id), '')
    end
    local position = found[1]
    if position and sub(position, 1, EPOCH_LENGTH + 1) == log.epoch .. '.' then return position end
  end
end

-- APPENDING -----------------------------------------------------------------------------------------------------------

-- The counters with one more number, and the hole before it as `<from>-<to> <producer>` or nil.
local function count_seq(counters, seq, producer)
  if find(producer, '\\', 1, true) then producer = respell(producer) end
  local lines, hole = { seq .. ' ' .. producer }, nil
  for last, name in gmatch(counters or '', '(%d+) ([^\n]*)') do
    if name == producer then
      local expected = tonumber(last) + 1
      if tonumber(seq) > expected then
        hole = digits(expected) .. '-' .. digits(seq - 1) .. ' ' .. (producer == '' and 'null' or producer)
      end
    elseif #lines < MOST_PRODUCERS then
      lines[#lines + 1] = last .. ' ' .. name
    end
  end
  return table.concat(lines, '\n'), hole
end

local function add(log, ms, frame, id, seq, producer)
  local has_id = id ~= ''
  local current = floor(ms / WINDOW_MS)
  local must_renew = not log.is_stream or floor(ms / RENEWAL_MS) ~= floor(log.ms / RENEWAL_MS)
  if not log.is_stream then call('DEL', log.key) end
  if has_id or log.w then log.w = windows_after(log.w, current, has_id) end
  local hole
  if seq ~= '' then log.s, hole = count_seq(log.s, seq, producer) end
  log.is_new, log.is_stream = false, true
  log.ms, log.n, log.b = ms, log.n + 1, log.b + #frame

  local number = digits(log.n)
  local entry_id, bytes = number .. '-' .. digits(ms), digits(log.b)
  if log.w or log.s then
    local fields = { log.name, frame, 'b', bytes }
    local count = 4
    if log.w then fields[5], fields[6], count = 'w', log.w, 6 end
    if has_id then fields[7], fields[8], count = 'i', id, 8 end
    if log.s then fields[count + 1], fields[count + 2], count = 's', log.s, count + 2 end
    if hole then fields[count + 1], fields[count + 2], count = 'g', hole, count + 2 end
    call('XADD', log.key, entry_id, unpack(fields, 1, count))
  else
    call('XADD', log.key, entry_id, log.name, frame, 'b', bytes)
  end
  local position = log.epoch .. '.' .. number
  if has_id then remember(log, digits(current), id, position) end
  if must_renew then renew(log) end
  if log.n % TRIM_EVERY == 0 or #frame > LARGE_FRAME then trim(log, ms) end
  local head = hole and position .. ' ' .. hole or position
  call('PUBLISH', NOTICES, head .. '\n' .. sub(log.key, 10, -6) .. '\n' .. frame)
  return position
end

-- READING -------------------------------------------------------------------------------------------------------------

-- Adds entries of the log to the reply, from a number on. False where the stream lacks one that it should have.
local function collect(log, from, most, most_bytes, reply)
  local count, bytes, step = 0, 0, PAGE
  while from <= log.n and count < most do
    local entries = call('XRANGE', log.key, digits(from) .. '-0', '+', 'COUNT', math.min(step, most - count))
    if #entries == 0 then return false end
    for index = 1, #entries do
      local entry = read_entry(entries[index])
      if entry.n ~= from then return false end
      bytes = bytes + #entry.frame
      if count > 0 and bytes > most_bytes then return true end
      reply[#reply + 1] = { entry.n, entry.frame, entry.g or '' }
      count, from = count + 1, from + 1
    end
    -- As many as seem to fit: each call seeks anew, which costs more than what it reads.
    step = math.max(1, floor((most_bytes - bytes) * count / (bytes + 1)))
  end
  return true
end

local function read(log, ms, epoch, n, most, most_bytes)
  local first = first_held(log, ms)
  if epoch == '' then epoch, n = log.epoch, first - 1 end
  local top = log.epoch .. '.' .. digits(log.n)
  if epoch ~= log.epoch then return { 'epoch_changed', top, first } end
  if n > log.n then return { 'ahead', top, first } end
  if n < first - 1 then return { 'trimmed', top, first } end
  local reply = { 'ok', top, first }
  return collect(log, n + 1, most, most_bytes, reply) and reply
end
