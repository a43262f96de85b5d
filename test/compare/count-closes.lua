-- A script for wrk: counts responses that say they are the last of their connection, and those that are no 200.
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init()
  closed, others, all = 0, 0, 0
end

function response(status, headers)
  all = all + 1
  if status ~= 200 then
    others = others + 1
  end
  for name, value in pairs(headers) do
    if name:lower() == "connection" and value:lower() == "close" then
      closed = closed + 1
    end
  end
end

function done()
  local sums = { closed = 0, others = 0, all = 0 }
  for _, thread in ipairs(threads) do
    for name in pairs(sums) do
      sums[name] = sums[name] + thread:get(name)
    end
  end
  io.write(string.format("said close: %d of %d, not 200: %d\n", sums.closed, sums.all, sums.others))
end
