-- Replaces one window of one layer in one step: its hash, those of its other indicators, the series of its zones and, if
-- its width is the shortest, the live hash. An older version is refused, the same version changes nothing.
--
-- KEYS  1 window hash, 2 live hash, 3 hash of the day's occupancy,
--       then the hash of each other indicator,
--       then the series of each published zone, in the order of the chunks,
--       then the series of each withdrawn zone (one that an older version published and this one does not)
-- ARGV  1 header (JSON), 2 version, 3 start in ms, 4 time to live of the window in ms,
--       5 time to live of the live hash in ms, 0 if this is not the shortest width, 6 length of a series,
--       7 withdrawn zones (msgpack array), 8 what the window is for the day's occupancy: part, day or nothing,
--       9 start and 10 end of the day in ms,
--       11 number of hashes of other indicators, 12 number of zone chunks, then the zone chunks, then the field chunks.
--       Zone chunk: msgpack array of [id, JSON value, [name, number, ...]]; field chunk: of the number of the hash, then
--       field, value, ... Chunks are small enough for Lua's unpack.
-- Returns {status, ...}: refused and the newer version; repeated; withdraw and the zones whose series are missing in
-- KEYS (nothing is written then); empty; placed.

local window, live, occupancy = KEYS[1], KEYS[2], KEYS[3]
local header, version, start = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local window_ttl, live_ttl, series_length = ARGV[4], ARGV[5], tonumber(ARGV[6])
local withdrawn = cmsgpack.unpack(ARGV[7])
local role, day_start, day_end = ARGV[8], tonumber(ARGV[9]), tonumber(ARGV[10])
local hashes = tonumber(ARGV[11])
local first_zones = 13
local first_fields = first_zones + tonumber(ARGV[12])
local first_series = 3 + hashes

local function header_of(key)
  local text = redis.call('HGET', key, '_')
  return text and cjson.decode(text)
end

local stored = header_of(window)
if stored and stored.version > version then
  return {'refused', string.format('%.0f', stored.version)}
end
if stored and stored.version == version then
  return {'repeated'}
end

local zones = {}
for i = first_zones, first_fields - 1 do
  for _, zone in ipairs(cmsgpack.unpack(ARGV[i])) do
    zones[#zones + 1] = zone
  end
end

if stored then
  local covered = {_ = true}
  for _, zone in ipairs(zones) do covered[zone[1]] = true end
  for _, id in ipairs(withdrawn) do covered[id] = true end
  local answer = {'withdraw'}
  for _, id in ipairs(redis.call('HKEYS', window)) do
    if not covered[id] then answer[#answer + 1] = id end
  end
  if #answer > 1 then return answer end
end

local function write_zones(key, ttl)
  redis.call('DEL', key)
  local fields = {'_', header}
  for _, zone in ipairs(zones) do
    fields[#fields + 1] = zone[1]
    fields[#fields + 1] = zone[2]
    if #fields >= 2000 then
      redis.call('HSET', key, unpack(fields))
      fields = {}
    end
  end
  if #fields > 0 then redis.call('HSET', key, unpack(fields)) end
  redis.call('PEXPIRE', key, ttl)
end

local function moment_of(entry)
  return tonumber(string.match(entry[1], '^%d+'))
end

-- A stream only grows at its end. For a window before the last one, or one that is replaced, it is written anew.
-- Returns whether the series has changed.
local function insert(key, values)
  local id = ARGV[3] .. '-0'
  local same = redis.call('XRANGE', key, id, id)[1]
  if same and table.concat(same[2], ' ') == table.concat(values, ' ') then return false end
  local entries = redis.call('XRANGE', key, '-', '+')
  if #entries >= series_length and moment_of(entries[1]) > start then return false end
  local ours = {id, values}
  local sorted = {}
  for _, entry in ipairs(entries) do
    if ours and moment_of(entry) >= start then
      sorted[#sorted + 1] = ours
      ours = nil
    end
    if moment_of(entry) ~= start then sorted[#sorted + 1] = entry end
  end
  sorted[#sorted + 1] = ours
  redis.call('DEL', key)
  for _, entry in ipairs(sorted) do
    redis.call('XADD', key, 'MAXLEN', series_length, entry[1], unpack(entry[2]))
  end
  return true
end

-- The day's occupancy: of the shortest windows so far the peak and when it was, and the mean; with the day's own window
-- the turnover. A window that is newer than the zone's series is added to what is there. One that says the same as the
-- series has been counted. For any other, and where nothing is there, the day is counted again by the series.
local function people_of(fields)
  for i = 1, #fields, 2 do
    if fields[i] == 'people' then return tonumber(fields[i + 1]) end
  end
end

local function occupancy_of(zone)
  local text = redis.call('HGET', occupancy, zone)
  return text and cjson.decode(text)
end

local function counted(day, moment, people)
  if not people then return day end
  day = day or {peak = 0, peak_start = 0, sum = 0, windows = 0}
  if people > day.peak then day.peak, day.peak_start = people, moment end
  day.sum, day.windows = day.sum + people, day.windows + 1
  day.mean = string.format('%.1f', day.sum / day.windows) + 0
  day.turnover = nil
  return day
end

local function recount(zone, key)
  local first = redis.call('XRANGE', key, '-', '+', 'COUNT', 1)[1]
  local cut = first and moment_of(first) >= day_start and redis.call('XLEN', key) >= series_length
  -- where windows of the day may have left the series, what was counted of them is worth more
  if cut and occupancy_of(zone) then return end
  local day
  for _, entry in ipairs(redis.call('XRANGE', key, day_start, day_end - 1)) do
    day = counted(day, moment_of(entry), people_of(entry[2]))
  end
  if day then
    redis.call('HSET', occupancy, zone, cjson.encode(day))
  else
    redis.call('HDEL', occupancy, zone)
  end
end

local function count(zone, key, people)
  local day = people and occupancy_of(zone)
  if day then
    redis.call('HSET', occupancy, zone, cjson.encode(counted(day, start, people)))
  elseif people then
    recount(zone, key)
  end
end

local function turn_over(zone, people)
  local day = occupancy_of(zone)
  if day then
    day.turnover = people and string.format('%.2f', people * day.windows / day.sum) + 0
    redis.call('HSET', occupancy, zone, cjson.encode(day))
  end
end

for i, zone in ipairs(zones) do
  local key, people = KEYS[first_series + i], people_of(zone[3])
  local added = redis.pcall('XADD', key, 'MAXLEN', series_length, ARGV[3] .. '-0', unpack(zone[3]))
  local changed = added.err and insert(key, zone[3])
  if role == 'day' then
    turn_over(zone[1], people)
  elseif role == 'part' and not added.err then
    count(zone[1], key, people)
  elseif role == 'part' and changed then
    recount(zone[1], key)
  end
end

for i, id in ipairs(withdrawn) do
  local key = KEYS[first_series + #zones + i]
  redis.call('XDEL', key, ARGV[3] .. '-0')
  if redis.call('XLEN', key) == 0 then redis.call('DEL', key) end
  if role == 'day' then turn_over(id, nil) end
  if role == 'part' then recount(id, key) end
end
if role ~= '' then redis.call('PEXPIRE', occupancy, window_ttl) end

for i = 1, hashes do redis.call('DEL', KEYS[3 + i]) end
for i = first_fields, #ARGV do
  local chunk = cmsgpack.unpack(ARGV[i])
  redis.call('HSET', KEYS[3 + chunk[1]], unpack(chunk, 2))
end
for i = 1, hashes do redis.call('PEXPIRE', KEYS[3 + i], window_ttl) end
local empty = #zones == 0 and #ARGV < first_fields
if empty then
  redis.call('DEL', window)
else
  write_zones(window, window_ttl)
end

if live_ttl ~= '0' then
  local shown = header_of(live)
  if not shown or shown.start < start or (shown.start == start and shown.version <= version) then
    if #zones == 0 then
      redis.call('DEL', live)
    else
      write_zones(live, live_ttl)
    end
  end
end

return {empty and 'empty' or 'placed'}
