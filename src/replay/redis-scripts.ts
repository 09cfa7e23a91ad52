import { type RedisScript, redisScript } from './redis-client.js';

/*
 * What the scripts keep, all keys of a partition under one hash tag:
 *
 * - KEYS[1], one string for each entry, which the server expires.
 * - KEYS[2], one hash for each sender: `n` live entries; how many of them end in each span of time, by the number of the
 *   span; `b`, the last span that was taken off `n`.
 * - KEYS[3], one hash for the partition: the `server` it is on, and `until` when nothing is accepted (milliseconds since
 *   the epoch by the server's clock). A server without it has forgotten the partition, or never had it.
 *
 * `master_replid` is drawn anew whenever a server starts without being a replica, or is promoted to primary.
 */
const PREAMBLE = `
local function identify()
  return string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/**
 * KEYS: entry, sender, partition. ARGV: how long to keep the entry; how many a sender may have; how long to wait after a
 * change; what to do then; the length of a span; whether to look at the server's configuration.
 */
export const INSERT: RedisScript = redisScript(`-- svidkit replay: insert
${PREAMBLE}
local keep, quota, wait, policy, span = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
if redis.call('EXISTS', KEYS[1]) == 1 then return 'replayed' end

if policy ~= 'accept' then
  if ARGV[6] == '1' then
    local memory = redis.call('INFO', 'memory')
    local most, eviction = string.match(memory, 'maxmemory:(%d+)'), string.match(memory, 'maxmemory_policy:([%a-]+)')
    if most and most ~= '0' and eviction and eviction ~= 'noeviction' then
      redis.call('DEL', KEYS[3])
      return 'server_evicts'
    end
  end
  local server = 'persistent'
  if policy == 'refuse' then
    server = identify()
    if not server then return 'server_unknown' end
  end
  local known = redis.call('HMGET', KEYS[3], 'server', 'until')
  local ends = tonumber(known[2] or 0)
  if not known[1] or (policy == 'refuse' and known[1] ~= server) then
    ends = now + wait
    redis.call('HSET', KEYS[3], 'server', server, 'until', string.format('%.0f', ends))
  end
  if now < ends then return 'server_changed ' .. string.format('%.0f', ends - now) end
end

local current = math.floor(now / span)
local count = redis.call('HMGET', KEYS[2], 'n', 'b')
local live, swept = tonumber(count[1] or 0), tonumber(count[2] or current)
if current > swept then
  local past = {}
  for number = swept + 1, current do past[#past + 1] = string.format('%.0f', number) end
  for _, ended in ipairs(redis.call('HMGET', KEYS[2], unpack(past))) do live = live - (ended or 0) end
  redis.call('HDEL', KEYS[2], unpack(past))
  swept = current
end
if live >= quota then
  redis.call('HSET', KEYS[2], 'n', live, 'b', string.format('%.0f', swept))
  return 'sender_full'
end

if not redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[1]) then return 'replayed' end
local last = math.max(math.ceil((now + keep) / span), swept + 1)
redis.call('HSET', KEYS[2], 'n', live + 1, 'b', string.format('%.0f', swept))
redis.call('HINCRBY', KEYS[2], string.format('%.0f', last), 1)
if redis.call('PTTL', KEYS[2]) < keep + span then
  redis.call('PEXPIRE', KEYS[2], string.format('%.0f', keep + span))
end
return 'fresh'
`);

/** KEYS: partition. ARGV: what to do after a change. */
export const END_WAITING: RedisScript = redisScript(`-- svidkit replay: end the waiting
${PREAMBLE}
local server = 'persistent'
if ARGV[1] == 'refuse' then
  server = identify()
  if not server then return 'server_unknown' end
end
redis.call('HSET', KEYS[1], 'server', server, 'until', string.format('%.0f', now))
return 'ended'
`);
