-- Sends the requests of a file made by bench/requests.ts, one after another, from the first again when there are no more:
-- a service that looks at nonces refuses those, and the run is called too long for its file.
local file = assert(io.open(os.getenv("REQUESTS"), "rb"))

function request()
  local length = file:read(8)
  if not length then
    file:seek("set", 0)
    length = file:read(8)
  end
  return file:read(tonumber(length))
end

function done(summary, latency)
  io.write(string.format("RESULT %d %d %d\n", summary.requests, summary.duration, summary.errors.status))
end
