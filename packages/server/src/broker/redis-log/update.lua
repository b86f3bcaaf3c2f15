-- Reads an update as packages/protocol/src/update.ts does: the same verdicts in the same order, and the same frame.
-- MAX_UPDATE_BYTES and MAX_FIELD_BYTES stand in the head that the relay writes.

-- While a library loads there is nothing but redis.register_function, so what is used most is bound at the first call.
local byte, char, find, format, gmatch, gsub, match, sub, floor, call

local function bind()
  byte, char, find, format = string.byte, string.char, string.find, string.format
  gmatch, gsub, match, sub = string.gmatch, string.gsub, string.match, string.sub
  floor, call = math.floor, redis.call
end

local NOT_SPACE = '[^ \n\r\t]'
local AFTER_VALUE = '^[ \n\r\t]*[,%]}]'
-- In a text whose escapes are overwritten: a string, and a key with its colon. Control characters may stand between
-- tokens and not in strings; a text that has none is scanned by patterns that need not look for them.
local STRING, KEY = '^"[^"]*"', '^"[^"]*()"[ \n\r\t]*:[ \n\r\t]*()'
-- A whole member without spaces whose value is a string, with what follows it: most members of most updates.
local PLAIN_MEMBER = '^"[^"]*()":()"[^"]*"()[,}]'
local STRICT_STRING, STRICT_KEY = '^"[^"%z\1-\31]*"', '^"[^"%z\1-\31]*()"[ \n\r\t]*:[ \n\r\t]*()'
local QUOTE, COMMA, OPEN_ARRAY, OPEN_OBJECT, CLOSE_OBJECT = 34, 44, 91, 123, 125
local POINT, SMALL_E, LARGE_E, MINUS = 46, 101, 69, 45

-- Well-formed sequences of RFC 3629, the most frequent first. A lead byte never stands inside another sequence, so
-- they can be taken out kind by kind; a space takes their place lest what stood around them join.
local SEQUENCES = {
  '[\194-\223][\128-\191]',
  '[\225-\236\238\239][\128-\191][\128-\191]',
  '\240[\144-\191][\128-\191][\128-\191]',
  '\224[\160-\191][\128-\191]',
  '\237[\128-\159][\128-\191]',
  '[\241-\243][\128-\191][\128-\191][\128-\191]',
  '\244[\128-\143][\128-\191][\128-\191]',
}

local function is_utf8(text)
  if find(text, '^[^\128-\255]*$') then return true end
  local rest = gsub(text, '[%z\1-\127]+', ' ')
  for _, sequence in ipairs(SEQUENCES) do
    rest = gsub(rest, sequence, ' ')
    if not find(rest, '[\128-\255]') then return true end
  end
  return false
end

-- The text with each escape overwritten by as many plain characters, so that quotes are the ends of strings; nil where
-- a backslash escapes nothing. Outside of strings the filler is an error, as the escape was.
local function mask_escapes(text)
  if not find(text, '\\', 1, true) then return text end
  local masked = gsub(text, '\\["\\/bfnrt]', '__')
  masked = gsub(masked, '\\u%x%x%x%x', '______')
  return not find(masked, '\\', 1, true) and masked or nil
end

local function skip_number(text, at)
  local _, last = find(text, '^%-?[1-9]%d*', at)
  if not last then _, last = find(text, '^%-?0', at) end
  if not last then return nil end
  local following = byte(text, last + 1)
  if following == POINT then
    _, last = find(text, '^%.%d+', last + 1)
    if not last then return nil end
    following = byte(text, last + 1)
  end
  if following == SMALL_E or following == LARGE_E then
    _, last = find(text, '^[eE][%+%-]?%d+', last + 1)
    if not last then return nil end
  end
  return last + 1
end

local WORDS = { ['true'] = 4, ['false'] = 5, ['null'] = 4 }

-- Where the value that begins at `at` ends: one past its last byte, or nil. It goes to any depth without recursion.
local function skip_value(text, at, string_form, key_form)
  local depth, closers = 0, nil
  while true do
    local first = byte(text, at)
    local entered = false
    if first == QUOTE then
      local _, last = find(text, string_form, at)
      if not last then return nil end
      at = last + 1
    elseif first == OPEN_OBJECT or first == OPEN_ARRAY then
      local closer = first + 2
      at = find(text, NOT_SPACE, at + 1)
      if not at then return nil end
      if byte(text, at) == closer then
        at = at + 1
      else
        closers = closers or {}
        depth = depth + 1
        closers[depth] = closer
        entered = true
        if closer == CLOSE_OBJECT then
          local _, last = find(text, key_form, at)
          if not last then return nil end
          at = last + 1
        end
      end
    elseif first == MINUS or (first and first >= 48 and first <= 57) then
      at = skip_number(text, at)
      if not at then return nil end
    else
      local length = WORDS[match(text, '^%l+', at)]
      if not length then return nil end
      at = at + length
    end
    while not entered do
      if depth == 0 then return at end
      local _, last = find(text, AFTER_VALUE, at)
      if not last then return nil end
      local mark = byte(text, last)
      if mark == COMMA then
        at = find(text, NOT_SPACE, last + 1)
        if not at then return nil end
        if closers[depth] == CLOSE_OBJECT then
          _, last = find(text, key_form, at)
          if not last then return nil end
          at = last + 1
        end
        entered = true
      elseif mark == closers[depth] then
        depth = depth - 1
        at = last + 1
      else
        return nil
      end
    end
  end
end

-- Where the members of the outermost object stand: four offsets a member (opening quote of the key, closing quote,
-- value, one past the value). Or nil and the fault.
local function scan_members(text, string_form, key_form)
  local at = find(text, NOT_SPACE)
  if not at then return nil, 'not_json' end
  if byte(text, at) ~= OPEN_OBJECT then
    local finish = skip_value(text, at, string_form, key_form)
    if not finish or find(text, NOT_SPACE, finish) then return nil, 'not_json' end
    return nil, 'not_object'
  end
  local spans, count = {}, 0
  at = find(text, NOT_SPACE, at + 1)
  if not at then return nil, 'not_json' end
  if byte(text, at) ~= CLOSE_OBJECT then
    while true do
      local mark, key_end, value, finish, _
      if key_form == KEY then _, mark, key_end, value, finish = find(text, PLAIN_MEMBER, at) end
      if not mark then
        _, _, key_end, value = find(text, key_form, at)
        finish = value and skip_value(text, value, string_form, key_form)
        if not finish then return nil, 'not_json' end
        _, mark = find(text, AFTER_VALUE, finish)
        if not mark then return nil, 'not_json' end
      end
      spans[count + 1], spans[count + 2], spans[count + 3], spans[count + 4] = at, key_end, value, finish
      count = count + 4
      local following = byte(text, mark)
      if following ~= COMMA then
        at = mark
        if following ~= CLOSE_OBJECT then return nil, 'not_json' end
        break
      end
      at = find(text, NOT_SPACE, mark + 1)
      if not at then return nil, 'not_json' end
    end
  end
  if find(text, NOT_SPACE, at + 1) then return nil, 'not_json' end
  return spans, count
end

local function encode_utf8(code)
  if code < 0x80 then return char(code) end
  if code < 0x800 then return char(0xC0 + floor(code / 0x40), 0x80 + code % 0x40) end
  if code < 0x10000 then
    return char(0xE0 + floor(code / 0x1000), 0x80 + floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
  end
  local low = 0x80 + floor(code / 0x40) % 0x40
  return char(0xF0 + floor(code / 0x40000), 0x80 + floor(code / 0x1000) % 0x40, low, 0x80 + code % 0x40)
end

local ESCAPES = { b = '\b', f = '\f', n = '\n', r = '\r', t = '\t' }

-- What the inside of a valid JSON string says, or nil where it would be more than `most` bytes or holds half of a
-- surrogate pair. An escape is at most six times as long as what it says, which bounds the work.
local function decode_string(raw, most)
  if #raw > most * 6 then return nil end
  if not find(raw, '\\', 1, true) then return #raw <= most and raw or nil end
  local parts, at = {}, 1
  while true do
    local escape = find(raw, '\\', at, true)
    parts[#parts + 1] = sub(raw, at, (escape or 0) - 1)
    if not escape then break end
    local letter = sub(raw, escape + 1, escape + 1)
    at = escape + 2
    if letter == 'u' then
      local code = tonumber(sub(raw, at, at + 3), 16)
      at = at + 4
      if code >= 0xD800 and code <= 0xDFFF then
        local low = code <= 0xDBFF and tonumber(match(raw, '^\\u([dD][c-fC-F]%x%x)', at) or '', 16)
        if not low then return nil end
        code = 0x10000 + (code - 0xD800) * 0x400 + (low - 0xDC00)
        at = at + 6
      end
      parts[#parts + 1] = encode_utf8(code)
    else
      parts[#parts + 1] = ESCAPES[letter] or letter
    end
  end
  local text = table.concat(parts)
  return #text <= most and text or nil
end

local SPELLINGS = { ['"'] = '\\"', ['\\'] = '\\\\', ['\b'] = '\\b', ['\f'] = '\\f', ['\n'] = '\\n', ['\r'] = '\\r', ['\t'] = '\\t' }

-- A short JSON string as JSON.stringify spells it, so that a producer is the same one however its name is escaped.
local function respell(text)
  local name = decode_string(sub(text, 2, -2), MAX_FIELD_BYTES)
  if not name then return text end
  return '"' .. gsub(name, '[%z\1-\31"\\]', function(letter)
    return SPELLINGS[letter] or format('\\u%04x', byte(letter))
  end) .. '"'
end

local LONGEST_KEY = #'target_user_id'

-- Where the members stand that mean something: one table by name, of the index of the latest in `spans`. Or nil and the
-- fault.
local function find_members(text, spans, count, has_escapes)
  local at = {}
  for index = 1, count, 4 do
    local length = spans[index + 1] - spans[index] - 1
    if length <= LONGEST_KEY or (has_escapes and length <= LONGEST_KEY * 6) then
      local key = sub(text, spans[index] + 1, spans[index + 1] - 1)
      if has_escapes then key = decode_string(key, LONGEST_KEY) end
      if at[key] then
        if key == 'type' then return nil, 'type_duplicate' end
        if key == 'target_user_id' then return nil, 'target_duplicate' end
      end
      if key then at[key] = index end
    end
  end
  return at
end

-- What the string between two offsets, quotes included, says; nil where it is no string, empty or too long.
local function read_name(text, from, finish, most)
  if byte(text, from) ~= QUOTE then return nil end
  local name = decode_string(sub(text, from + 1, finish - 2), most)
  return name ~= '' and name or nil
end

-- The fields that only the log reads, as text and empty where they are not there in the form that counts.
local function read_log_fields(text, spans, at)
  local function raw(index)
    local from, finish = spans[index + 2], spans[index + 3]
    return finish - from <= MAX_FIELD_BYTES and sub(text, from, finish - 1) or ''
  end
  local id = at.id and raw(at.id) or ''
  local seq = at.seq and raw(at.seq) or ''
  local producer = at.producer and raw(at.producer) or ''
  if not find(id, '^["%-%d]') then id = '' end
  if not find(seq, '^%d+$') or #seq > 16 or tonumber(seq) > 9007199254740991 then seq = '' end
  if byte(producer) ~= QUOTE then producer = '' end
  return id, seq, producer
end

-- The fault, or nil and the update's target, frame, id, seq and producer.
local function read_update(text)
  if #text > MAX_UPDATE_BYTES then return 'too_large' end
  local string_form, key_form = STRING, KEY
  if not find(text, '^[\32-\126]*$') then
    if not is_utf8(text) then return 'not_json' end
    if find(text, '%c') then string_form, key_form = STRICT_STRING, STRICT_KEY end
  end
  local masked = mask_escapes(text)
  if not masked then return 'not_json' end
  local spans, count = scan_members(masked, string_form, key_form)
  if not spans then return count end
  local at, fault = find_members(text, spans, count, masked ~= text)
  if not at then return fault end

  local place, type_place = at.target_user_id, at.type
  if not place then return 'target_missing' end
  local target = read_name(text, spans[place + 2], spans[place + 3], 256)
  if not target or find(target, '[%z\1-\31\127]') or find(target, '\194[\128-\159]') then return 'target_invalid' end
  if not type_place then return 'type_missing' end
  local kind = read_name(text, spans[type_place + 2], spans[type_place + 3], 128)
  if not kind then return 'type_invalid' end
  if sub(kind, 1, 8) == 'tidings.' then return 'type_reserved' end
  if not at.payload then return 'payload_missing' end

  local cut_start, cut_end = spans[place - 1], spans[place + 3]
  if place == 1 then cut_start, cut_end = spans[1], spans[5] or spans[4] end
  local frame = sub(text, 1, cut_start - 1) .. sub(text, cut_end)
  if at.id or at.seq then return nil, target, frame, read_log_fields(text, spans, at) end
  return nil, target, frame, '', '', ''
end
