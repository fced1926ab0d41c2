-- `POST /__sandbox/worlds` names a world and has no API key. The sandbox derives the key from its seed and the name. This
-- file derives the same key, so that the world is created on the replica that its later requests reach.

local CONSTANT = 0x696c756d6173616e

local function rotated(value, bits)
    return (value << bits) | (value >> (64 - bits))
end

-- SipHash-1-3 with 128 bits, as 32 hex digits.
local function hash(seed, text)
    local v0, v1 = seed ~ 0x736f6d6570736575, CONSTANT ~ 0x646f72616e646f6d ~ 0xee
    local v2, v3 = seed ~ 0x6c7967656e657261, CONSTANT ~ 0x7465646279746573

    local function round()
        v0 = v0 + v1; v1 = rotated(v1, 13) ~ v0; v0 = rotated(v0, 32)
        v2 = v2 + v3; v3 = rotated(v3, 16) ~ v2
        v0 = v0 + v3; v3 = rotated(v3, 21) ~ v0
        v2 = v2 + v1; v1 = rotated(v1, 17) ~ v2; v2 = rotated(v2, 32)
    end
    local function half()
        for _ = 1, 3 do round() end
        return string.format("%016x", v0 ~ v1 ~ v2 ~ v3)
    end

    local padding = string.rep("\0", 7 - #text % 8)
    local padded = text .. padding .. string.char(#text % 256)
    for at = 1, #padded, 8 do
        local word = string.unpack("<i8", padded, at)
        v3 = v3 ~ word
        round()
        v0 = v0 ~ word
    end
    v2 = v2 ~ 0xee
    local low = half()
    v1 = v1 ~ 0xdd
    return half() .. low
end

-- A seed has up to 64 bits, of which Lua reads only 63.
local function number(digits)
    local value = 0
    for digit in digits:gmatch("%d") do value = value * 10 + tonumber(digit) end
    return value
end

local function key_of(seed, name)
    local function half(which)
        return hash(seed, string.pack("<s8s8", which, name))
    end
    return "iluma_development_" .. half("minted key, first half") .. half("minted key, second half")
end

local ESCAPES = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

-- The text of a JSON string that begins behind the quote at `from`. Nil if it has no end.
local function json_text(body, from)
    local parts, at = {}, from
    while true do
        local plain, mark, next_at = body:match('^([^"\\]*)(["\\])()', at)
        if not plain then return nil end
        parts[#parts + 1] = plain
        if mark == '"' then return table.concat(parts) end
        local escape = body:sub(next_at, next_at)
        at = next_at + 1
        if escape == "u" then
            local high, low = body:match("^(%x%x%x%x)\\u([dD][c-fC-F]%x%x)", at)
            local code = tonumber(body:match("^%x%x%x%x", at) or "", 16)
            if not code then return nil end
            at = at + 4
            if code >= 0xd800 and code < 0xdc00 then
                if not low then return nil end
                code = 0x10000 + (tonumber(high, 16) - 0xd800) * 0x400 + tonumber(low, 16) - 0xdc00
                at = at + 6
            end
            parts[#parts + 1] = utf8.char(code)
        else
            parts[#parts + 1] = ESCAPES[escape] or escape
        end
    end
end

core.register_action("key_of_named_world", { "http-req" }, function(txn)
    local body = txn.sf:req_body() or ""
    local from = body:match('"name"%s*:%s*"()')
    local name = from and json_text(body, from)
    -- One replica numbers the worlds without a name.
    txn:set_var("txn.key", name and key_of(number(os.getenv("ILUMA_SANDBOX_SEED")), name) or "")
end, 0)
