--- A script for wrk: sends prepared requests in order, then prints the results as JSON.
-- In the file each request is a line with its length, followed by its bytes.
local requests = {}
local last = 0

function init(args)
    local file = assert(io.open(args[1], 'rb'))
    for length in file:lines() do
        table.insert(requests, file:read(tonumber(length)))
    end
    file:close()
    io.stderr:write('ready\n')
end

function request()
    last = last % #requests + 1
    return requests[last]
end

function done(summary, latency)
    local errors = summary.errors
    local result = '{"calls":%d,"seconds":%.6f,"p50":%.3f,"p99":%.3f,"longest":%.3f,"mean":%.3f,'
        .. '"errors":%d}'
    print(result:format(
        summary.requests, summary.duration / 1e6,
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3,
        latency.mean / 1e3,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout
    ))
end
