--- The meter and the sync state, kept for the statusline, and before a session how the ask stands.
local M = {}

local meter ---@type { text: string, state: string }?
local sync ---@type { state: string, uri: string }?

--- Text for a place that is not a statusline.
---@return string
function M.text()
  local parts = { require('codementor.waiting').text() }
  if meter then
    parts[#parts + 1] = meter.text
  end
  if sync and sync.state ~= 'inSync' and sync.state ~= 'sending' then
    parts[#parts + 1] = '[' .. sync.state .. ']'
  end
  return table.concat(parts, ' ')
end

--- What the server last said, whole.
function M.last()
  return meter
end

--- How the document that changed last stands to the server.
function M.sync()
  return sync
end

--- A statusline runs `%{…}`: foreign text never gets there unescaped.
---@return string
function M.statusline()
  return (M.text():gsub('%%', '%%%%'))
end

function M.moved(params)
  local warned = params.warned and not (meter and meter.warned)
  meter = params
  if warned then
    require('codementor.client').notify(params.text .. ' — :Codementor extend 15', vim.log.levels.WARN)
  end
  vim.cmd.redrawstatus({ bang = true })
end

function M.synced(params)
  sync = params
  vim.cmd.redrawstatus({ bang = true })
end

function M.forget()
  meter, sync = nil, nil
  vim.cmd.redrawstatus({ bang = true })
end

return M
